"""Progress: what is told, how often, and that it changes nothing."""

import time

import numpy as np
import pytest

import spaxel
from spaxel.pace import Line, duration, in_words, paced, tell, within
from spaxel.testing import tiny_cube


def heard(work, every=0.0):
    told = []
    with spaxel.progress(lambda *now: told.append(now), every=every):
        work()
    return told


def test_stages_lie_in_each_other():
    def work():
        with within("fit"):
            list(paced("ab", "restarts"))
        tell("report", 0, 0)

    assert [now[:3] for now in heard(work)] == [
        ("fit", 0, 0), ("fit: restarts", 0, 2), ("fit: restarts", 1, 2), ("fit: restarts", 2, 2), ("report", 0, 0),
    ]  # fmt: skip


def test_the_time_left_is_that_of_the_stage():
    def work():
        tell("one", 0, 4)
        time.sleep(0.2)
        tell("one", 1, 4)
        tell("two", 2, 4)

    told = heard(work)
    assert told[0][3] is None
    assert 0.5 < told[1][3] < 1.2
    assert told[2][3] is None


def test_a_busy_loop_is_told_ten_times_a_second_and_its_end_always():
    told = heard(lambda: list(paced(range(100_000), "loop")), every=0.1)
    assert told[0][:3] == ("loop", 0, 100_000)
    assert told[-1][:3] == ("loop", 100_000, 100_000)
    assert len(told) < 30


def test_blocks_lie_in_each_other_and_end():
    outer, inner = [], []
    with spaxel.progress(lambda *now: outer.append(now[0])):
        with spaxel.progress(lambda *now: inner.append(now[0])):
            tell("both", 0, 0)
        tell("one", 0, 0)
    tell("none", 0, 0)
    assert (outer, inner) == (["both", "one"], ["both"])


def test_words():
    assert in_words("fit", 0, 0, None) == "fit"
    assert in_words("fit: restarts", 4, 10, 12.4) == "fit: restarts, 40 %, 12 s left"
    assert in_words("fit: restarts", 10, 10, 0.0) == "fit: restarts, 100 %"
    assert [duration(s) for s in (0.2, 99, 130, 7500)] == ["0 s", "99 s", "2 min", "2 h 5 min"]


def test_a_line_in_a_notebook_is_written_over_and_wiped(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ipykernel", object())
    with spaxel.progress(every=0):
        tell("fit: restarts", 1, 4)
        tell("map", 0, 0)
    assert capsys.readouterr().out == "\rfit: restarts, 25 %\rmap                \r" + " " * 3 + "\r"
    Line().clear()


METHODS = {
    "KMeans": ({}, {"sample", "scaling", "restarts", "number of components", "how sure", "pixels"}),
    "Segment": ({"n_clusters": 3}, {"sample", "labelings", "pixels"}),
    "MCR": ({"n_components": 3}, {"sample", "pixels"}),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", METHODS)
def test_methods_tell_and_their_bits_stay(name):
    options, stages = METHODS[name]
    cube = tiny_cube(24, 23)
    plain = getattr(spaxel, name)(**options).fit(cube)
    results = []

    def work():
        model = getattr(spaxel, name)(**options).fit(cube)
        results.append((model.state_, (model.transform if name == "MCR" else model.predict)(cube)))

    told = heard(work)
    assert stages <= {now[0] for now in told}
    assert all(now[1] <= now[2] or not now[2] for now in told)
    state, result = results[0]
    assert all(np.array_equal(plain.state_[key], state[key], equal_nan=True) for key in state)
    assert result.identical((plain.transform if name == "MCR" else plain.predict)(cube))
