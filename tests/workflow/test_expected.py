"""How long a run will take; wall seconds on two sizes are compared in benchmarks/expected.py."""

import time

import pytest

from spaxel.errors import ParameterError
from spaxel.methods.registry import METHODS
from spaxel.testing import tiny_cube
from spaxel.workflow import expected
from spaxel.workflow.expected import RATES, Pace, expected_seconds, in_short
from spaxel.workflow.runs import segment

STARTED = 1.5  # CPU seconds of `python -m spaxel` and its imports, which this process has behind it


def test_a_small_run_takes_what_was_said_within_a_factor_of_three(scan, tmp_path, monkeypatch):
    monkeypatch.setattr(expected, "_slowness", lambda: 1.0)
    begun = time.process_time()
    segment([scan], tmp_path / "run")
    took = time.process_time() - begun + STARTED
    said = expected_seconds(tiny_cube(20, 17))
    assert took / 3 < said < 3 * took


def test_every_method_has_a_rate_and_more_takes_longer():
    assert set(RATES) == set(METHODS)
    for name in RATES:
        small, large = (expected_seconds(tiny_cube(n, n), name, Pace(1e-8, 1.0)) for n in (20, 200))
        assert 1 < small < large
    with pytest.raises(ParameterError, match="no method 'none'"):
        expected_seconds(tiny_cube(4, 4), "none")


def test_words():
    assert [in_short(s) for s in (0.2, 7.4, 23.0, 130.0, 5000.0)] == [
        "about 1 s", "about 7 s", "about 20 s", "about 2 min", "about 83 min",
    ]  # fmt: skip


def test_info_says_it(cli, scan):
    code, out, _ = cli("info", scan, "--method", "kmeans")
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("a run takes"))
    assert "with consensus, about" in line
    assert "with kmeans, as busy as this machine is now" in line
    assert cli("info", scan, "--method", "none")[0] == 2
