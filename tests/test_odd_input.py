"""Odd data that `spaxel segment` answers sensibly: one pixel, one channel, any number type, any order of the axis."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube

CUBE = tiny_cube(20, 17)
SPECTRA, TRUTH = CUBE["spectra"].values, CUBE["truth_labels"].values


@pytest.fixture
def labels(cli, tmp_path):
    """The label map of an array that was saved and segmented."""

    def segment(spectra, *options, **axis):
        np.savez(tmp_path / "a.npz", spectra=spectra, **axis)
        code, out, err = cli("segment", tmp_path / "a.npz", "-o", tmp_path / "run", "--channel-axis", 2, *options)
        assert code == 0, err
        assert "report: " in out
        return read_result(tmp_path / "run")["labels"].values

    return segment


@pytest.mark.parametrize(
    "spectra",
    [
        SPECTRA.astype("i8"), SPECTRA.astype(">f4"), SPECTRA.astype(">u2"), SPECTRA.astype("f2"),
        SPECTRA.astype("i4") - 20, np.minimum(SPECTRA, 25), SPECTRA * 1e-18, SPECTRA * 1e18,
    ],
    ids=["integer", "big-endian", "big-endian integer", "half", "negative", "saturated", "small", "large"],
)  # fmt: skip
def test_any_numbers(labels, spectra):
    assert adjusted_rand_score(TRUTH.ravel(), labels(spectra, "--n-clusters", 3).ravel()) > 0.95


def test_one_pixel(labels):
    assert labels(np.arange(1.0, 6).reshape(1, 1, 5)).tolist() == [[0]]


def test_one_channel(labels):
    found = labels(np.repeat([2.0, 9.0, 20.0], 20).reshape(6, 10, 1), "--n-clusters", 3, "--scaling", "none")
    assert len(np.unique(found)) == 3


def test_a_constant_cube_that_is_kept(labels):
    assert (labels(np.full((6, 5, 4), 3.0), "--keep-channels") == 0).all()


@pytest.mark.parametrize("order", [np.arange(11)[::-1], np.random.default_rng(1).permutation(11)])
def test_the_order_of_the_axis_does_not_matter(labels, order):
    axis = 400.0 + 10 * np.arange(11)
    found = labels(SPECTRA[:, :, order], "--n-clusters", 3, "--units", "nm", wavelength=axis[order])
    assert adjusted_rand_score(TRUTH.ravel(), found.ravel()) > 0.95


def test_pixels_without_data_get_no_label(labels):
    """Nothing measured, all zero, or less than half measured; one infinite value costs no pixel."""
    spectra = SPECTRA.astype(float)
    spectra[0], spectra[1], spectra[2, :, :6], spectra[3, :, 3] = np.nan, 0, np.inf, np.inf
    found = labels(spectra, "--n-clusters", 3)
    assert (found[:3] == -1).all()
    assert (found[3:] >= 0).all()
