"""The walk over sets of spectra: which set is opened next."""

from hypothesis import given
from hypothesis import strategies as st

from spaxel.linear.supports.search import _best_of_others

SETS = st.lists(st.integers(0, 4), unique=True, max_size=3).map(lambda one: tuple(sorted(one)))


@given(
    st.dictionaries(SETS, st.sampled_from([-2.0, -1.0, 0.0, 1.5])), st.sets(SETS), st.sampled_from([-3.0, -1.0, 2.0])
)
def test_it_is_the_best_above_the_least_and_of_equals_the_last(seen, done, least):
    open_now = [(value, one) for one, value in seen.items() if value > least and one not in done]
    assert _best_of_others(seen, done, least) == (max(open_now)[1] if open_now else None)
