"""Peaks: a known background gives none, a known peak gives its height and place, the error is the scatter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaxel.lines.peaks import find_peaks, fit_peaks, seen_width, steps

AXIS = np.linspace(1.0, 20.0, 381)
WIDTH = np.full(381, 0.12)


def bell(at, width=0.12):
    return np.exp(-(((AXIS - at) / width) ** 2) / 2)


@given(st.floats(-50, 50), st.floats(-9, 9))
def test_a_straight_background_has_no_height(base, slope):
    heights = fit_peaks(AXIS, WIDTH).heights(base + slope * AXIS)
    assert np.abs(heights).max() < 1e-9 * (1 + abs(base) + 20 * abs(slope))


@given(st.integers(20, 360), st.floats(0.1, 1e4), st.floats(0, 100))
def test_a_peak_on_a_background_keeps_its_height(channel, height, base):
    heights = fit_peaks(AXIS, WIDTH).heights(base + height * bell(AXIS[channel]))
    assert heights[channel] == pytest.approx(height, rel=1e-6, abs=1e-8 * base)
    assert heights.argmax() == channel


def test_the_error_is_the_scatter():
    error = 0.5 + AXIS / 10
    fit = fit_peaks(AXIS, WIDTH)
    drawn = fit.heights(error * np.random.default_rng(0).standard_normal((4000, len(AXIS))))
    np.testing.assert_allclose(drawn.std(0)[5:-5], fit.errors(error)[5:-5], rtol=0.06)


def test_noise_alone_gives_next_to_no_peaks():
    rng = np.random.default_rng(1)
    found = [find_peaks(AXIS, 100 + rng.standard_normal(len(AXIS)), np.ones(len(AXIS)), WIDTH) for _ in range(200)]
    assert sum(map(len, found)) <= 1


@given(st.floats(3, 18), st.floats(30, 1e5))
def test_a_peak_is_found_where_it_is(at, height):
    peaks = find_peaks(AXIS, 10 + height * bell(at), np.full(len(AXIS), 1.0), WIDTH)
    assert len(peaks) == 1
    assert peaks[0].position == pytest.approx(at, abs=0.012)
    assert peaks[0].sigma > 5


def test_humps_are_no_peaks_and_shoulders_of_dips_neither():
    error = np.full(len(AXIS), 0.01)
    assert not find_peaks(AXIS, 9 * bell(10, 0.6), error, WIDTH)
    dip = 10 - 9 * bell(10)
    assert not find_peaks(AXIS, dip, error, WIDTH, dips=True)
    assert [round(p.position) for p in find_peaks(AXIS, dip + 9 * bell(15), error, WIDTH, dips=True)] == [15]


def test_a_gap_in_the_axis_is_no_peak_and_hides_none_beyond_it():
    kept = (AXIS < 8) | (AXIS > 9)
    axis = AXIS[kept]
    spectrum = (100 - 4 * AXIS + 50 * bell(9.6))[kept]
    peaks = find_peaks(axis, spectrum, np.ones(len(axis)), WIDTH[kept])
    assert [round(p.position, 1) for p in peaks] == [9.6]
    assert steps(axis).max() == pytest.approx(0.05)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_too_few_channels_give_none(n):
    axis = np.arange(float(n))
    assert find_peaks(axis, np.ones(n), np.ones(n), np.ones(n)) == []


def test_wide_channels_widen_peaks():
    assert seen_width(np.arange(5.0), np.zeros(5)) == pytest.approx(np.full(5, 12**-0.5))
