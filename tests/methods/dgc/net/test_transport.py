import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.methods.dgc.net.transport import floored, relaxed_targets


def problem(seed, n=40, m=30, k=5):
    generator = torch.Generator().manual_seed(seed)
    scores, others = (torch.randn((rows, k), generator=generator) for rows in (n, m))
    wanted = torch.rand(k, generator=generator) + 0.05
    return scores, others, wanted / wanted.sum()


def distance(targets, wanted):
    return float((targets.mean(0) - wanted).abs().sum())


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.05, 2), st.floats(0, 50))
def test_every_pixel_gives_its_whole_mass(seed, softness, strictness):
    targets = relaxed_targets(*problem(seed), softness, strictness)
    assert torch.allclose(targets.sum(1), torch.ones(40), atol=1e-5)
    assert (targets >= 0).all()


def test_without_strictness_it_is_a_softmax():
    scores, others, wanted = problem(1)
    assert torch.equal(relaxed_targets(scores, others, wanted, 0.5, 0.0), torch.softmax(scores / 0.5, dim=1))


@pytest.mark.parametrize("seed", range(4))
def test_masses_come_nearer_to_the_wanted_ones_the_stricter_it_is(seed):
    scores, others, wanted = problem(seed)
    found = [
        distance(relaxed_targets(torch.cat([scores, others]), scores[:0], wanted, 0.5, strictness, steps=200), wanted)
        for strictness in (0.0, 0.1, 0.5, 2.0, 10.0, 1e6)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 1e-3 < found[0]


@pytest.mark.parametrize("seed", range(3))
def test_past_pixels_take_part_in_the_masses_alone(seed):
    scores, others, wanted = problem(seed)
    both = relaxed_targets(torch.cat([scores, others]), scores[:0], wanted, 0.5, 1.0)
    assert torch.allclose(relaxed_targets(scores, others, wanted, 0.5, 1.0), both[: len(scores)], atol=1e-6)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9).filter(lambda values: sum(values) > 0.1), st.floats(0, 0.5))
def test_floored_masses_sum_to_one_and_keep_the_order_and_the_floor(values, floor):
    mass = torch.tensor(values) / sum(values)
    found = floored(mass, floor)
    assert abs(float(found.sum()) - 1) < 1e-5
    assert float(found.min()) >= floor / len(mass) - 1e-6
    assert torch.all(found[torch.argsort(mass)].diff() >= -1e-6)


@pytest.mark.parametrize("strictness", [0.1, 2.0])
def test_clusters_that_lie_far_from_every_pixel_break_nothing(strictness):
    scores, others, wanted = problem(5)
    scores[:, -1], others[:, -1] = -300.0, -300.0  # exp of it is no float32
    near = relaxed_targets(scores, others, wanted, 0.5, strictness)
    assert torch.isfinite(near).all()
    assert float(near[:, -1].max()) < 1e-6
    energy = torch.cat([scores, others]).double() / 0.5
    shift = torch.zeros_like(wanted).double()
    for _ in range(5):  # in logarithms
        mass = torch.log_softmax(energy + shift, dim=1) - shift
        mass = torch.logsumexp(mass, dim=0) - torch.tensor(float(len(energy))).log()
        shift = strictness / (strictness + 1) * (wanted.log() - mass)
        shift[-1] = 0  # there alone the two differ
    wanted_there = torch.softmax(scores.double() / 0.5 + shift, dim=1)
    assert torch.allclose(near[:, :-1].double(), wanted_there[:, :-1], atol=1e-5)
