"""Elements: one alone is named, two that share a peak are told apart, nothing is named where nothing is."""

import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.lines.elements import ELEMENTS, element_candidates
from spaxel.lines.patterns import drawn, series

AXIS = np.linspace(0.9, 38.0, 1200)
BASE = 40 * np.exp(-AXIS / 12) + 2


def measured(elements, height=400.0, seed=0, pixels=50):
    """Mean and error of Poisson spectra of some elements, the K, L and M series of each equally tall."""
    clean = BASE + sum(height * drawn(AXIS, one) for name in elements for one in series(name))
    drawn_ = np.random.default_rng(seed).poisson(clean, (pixels, len(AXIS)))
    return drawn_.mean(0), np.sqrt((drawn_.mean(0) + 1 / pixels) / pixels)


def test_a_flat_spectrum_has_no_candidates():
    rng = np.random.default_rng(3)
    for _ in range(20):
        spectrum = rng.poisson(BASE, (50, len(AXIS)))
        assert element_candidates(AXIS, spectrum.mean(0), np.sqrt(BASE / 50)) == []
    assert element_candidates(AXIS, np.full(1200, 7.0), np.full(1200, 0.1)) == []
    assert element_candidates(AXIS[:1], np.ones(1), np.ones(1)) == []


def test_one_element_alone_is_named_and_hardly_ever_another():
    others = []
    for element in ELEMENTS:
        names = [c.name for c in element_candidates(AXIS, *measured([element]))]
        assert element in names, element
        others += [(element, name) for name in names if name != element]
    assert len(others) <= 3, others


@pytest.mark.parametrize("pair", [("Pb", "As"), ("Hg", "As"), ("Fe", "Mn"), ("Ba", "Ti"), ("Co", "Fe"), ("K", "Ca")])
def test_two_that_overlap_are_both_found_and_one_alone_stays_alone(pair):
    assert set(pair) <= {c.name for c in element_candidates(AXIS, *measured(pair))}
    for one, other in (pair, pair[::-1]):
        assert other not in {c.name for c in element_candidates(AXIS, *measured([one]))}


def test_evidence_is_where_the_peak_is():
    best = element_candidates(AXIS, *measured(["Fe"]))[0]
    assert (best.name, best.line, best.support) == ("Fe", "Kα", ("Kβ",))
    assert best.known == pytest.approx(6.40, abs=0.01)
    assert abs(best.off) < 0.01
    assert best.height == pytest.approx(400, rel=0.1)
    assert best.times == pytest.approx(1.0)
    rise = element_candidates(AXIS, *measured(["Fe"]), mean=measured(["Fe"], 100.0)[0])[0]
    assert rise.times == pytest.approx(4.0, rel=0.1)


def test_brightness_does_not_matter_and_only_what_is_asked_is_looked_for():
    spectrum, error = measured(["Cu", "Pb"])
    names = [c.name for c in element_candidates(AXIS, spectrum, error)]
    assert [c.name for c in element_candidates(AXIS, 1e-6 * spectrum, 1e-6 * error)] == names
    assert [c.name for c in element_candidates(AXIS, spectrum, error, elements=["Cu"])] == ["Cu"]
    with pytest.raises(ParameterError, match="no X-ray lines of 'Xx'"):
        element_candidates(AXIS, spectrum, error, elements=["Xx"])


def test_series_are_what_a_detector_tells_apart():
    for element in ELEMENTS:
        for one in series(element):
            assert one.share.max() == 1
            assert (np.diff(one.energy) > 0).all()
            assert len(one.names) == len(one.energy) == len(one.share)
    assert series("Fe")[0].names == ("Kα", "Kβ")
