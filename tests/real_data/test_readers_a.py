"""The real files of MATLAB, ENVI, NumPy and text: sizes, axes, truth, and what had to be guessed."""

import numpy as np
import pytest
import scipy.io

from spaxel import open_cube
from spaxel.errors import GuessWarning, ReadError
from spaxel.readers import readers
from spaxel.testing import check_reader

pytestmark = [pytest.mark.real_data, pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")]


@pytest.mark.parametrize(
    ("file", "shape", "units", "ends", "options"),
    [
        ("samson/Samson.mat", (95, 95, 156), "nm", (401, 889), ("pixel_order", "channel", "units")),
        ("salinas_a/SalinasA_corrected.mat", (83, 86, 204), "index", (0, 203), ("channel_axis", "channel")),
        ("hydice/HYDICE_data.mat", (100, 80, 162), "index", (0, 161), ("channel",)),
        ("gatorsense/a_hsi_img_for_VI_demo.mat", (90, 90, 224), "nm", (365.91, 2496.22), ("units", "channel")),
        ("moffett/Moffett_vca.mat", (50, 50, 189), "index", (0, 188), ("pixel_order", "channel")),
        ("moffett/moffett.mat", (50, 50, 184), "index", (0, 183), ("pixel_order", "channel")),
        ("als2004/als2004dataset.MAT", (204, 1, 96), "index", (0, 95), ("dataset", "channel_axis", "channel")),
        ("formats/dso.mat", (20, 1, 426), "1/cm", (1800.25, 2210.06), ()),
        ("formats/small_diamond_nxs.nxs", (7, 6, 8), "eV", (278, 282.2), ("units",)),
        ("formats/small_OK.hdf5", (2, 2, 2), "eV", (100.1, 101.1), ("units",)),
        ("formats/sparc-hyperspectral.h5", (3, 2, 128), "nm", (467.876, 732.124), ()),
        ("formats/test_hyperspectral.h5", (4, 4, 512), "nm", (376.316, 820.883), ()),
        ("formats/example_cube.fits", (4, 3, 7), "m/s", (14322.82, 14944.91), ()),
        ("wheat_grains/var1_grain0.hdr", (200, 200, 10), "index", (0, 9), ("channel",)),
        ("wheat_grains/var4_grain0.img", (200, 200, 10), "index", (0, 9), ("channel",)),
        ("mcr_carbs/carbs.npz", (21, 1, 1401), "1/cm", (200, 1600), ()),
        ("nir_bioethanol/NIR.npz", (166, 1, 235), "nm", (1115, 2285), ()),
        ("hplcdad_tea/tea.npz", (5, 97, 209), "nm", (250.4, 500), ()),
        ("gasoline/gasoline.npz", (60, 1, 401), "nm", (900, 1700), ()),
        ("tecator/tecator_train.csv", (172, 1, 100), "nm", (850, 1048), ("units",)),
    ],
)
def test_opens_as_the_readme_says(real, file, shape, units, ends, options):
    cube = open_cube(real / file)
    assert cube["spectra"].shape == shape
    assert cube["channel"].attrs["units"] == units
    np.testing.assert_allclose(cube["channel"].values[[0, -1]], ends, atol=0.01)
    assert len(cube.attrs["guesses"]) == len(options)
    for option in options:
        assert any(f"Option {option} decides" in sentence for sentence in cube.attrs["guesses"])
    check_reader(readers()[cube.attrs["reader"]], real / file)


def test_samson_pixels_and_truth_lie_alike(real):
    """The abundances times the pure spectra give back the image, up to a brightness per pixel: not so if transposed."""
    cube = open_cube(real / "samson/Samson.mat")
    model = cube["truth_abundances"].values @ cube["truth_spectra"].values

    def angle(a, b):
        return np.arccos(np.clip((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1), -1, 1))

    right = np.median(angle(cube["spectra"].values, model))
    swapped = np.median(angle(cube["spectra"].values.swapaxes(0, 1), model))
    assert right < 0.1 < swapped
    np.testing.assert_allclose(cube["truth_abundances"].sum("truth_component"), 1, atol=1e-6)


def test_salinas_truth_is_found_beside(real):
    cube = open_cube(real / "salinas_a/SalinasA_corrected.mat")
    stored = scipy.io.loadmat(real / "salinas_a/SalinasA_gt.mat")["salinasA_gt"]
    labels = cube["truth_labels"].values
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels == -1, stored == 0)
    assert len(np.unique(labels[labels >= 0])) == 6
    assert cube["spectra"].dtype == np.int16
    assert cube["spectra"].values.min() < 0
    with pytest.raises(ReadError, match="no array that can be spectra"):
        open_cube(real / "salinas_a/SalinasA_gt.mat")


def test_hydice_map_keeps_both_classes(real):
    labels = open_cube(real / "hydice/HYDICE_data.mat")["truth_labels"].values
    assert np.unique(labels, return_counts=True)[1].tolist() == [8000 - 19, 19]


def test_wheat_outside_the_kernel_is_no_data(real):
    cube = open_cube(real / "wheat_grains/var1_grain0.hdr")
    raw = np.fromfile(real / "wheat_grains/var1_grain0.img", "<f8").reshape(200, 200, 10)
    np.testing.assert_array_equal(cube["spectra"], raw)
    np.testing.assert_array_equal(cube["valid"], (raw != 0).any(-1))
    assert cube["spectra"].chunks is not None


def test_carbs_mixtures_follow_their_truth(real):
    cube = open_cube(real / "mcr_carbs/carbs.npz")
    model = cube["truth_abundances"].values[:, 0] @ cube["truth_spectra"].values
    measured = cube["spectra"].values[:, 0]
    assert np.corrcoef(model.ravel(), measured.ravel())[0, 1] > 0.95


def test_tecator_columns(real):
    cube = open_cube(real / "tecator/tecator_train.csv", units="nm")
    assert cube.attrs["guesses"] == []
    np.testing.assert_allclose(cube["target_Fat"].values[:2, 0], [22.5, 40.1], rtol=1e-6)
    assert cube["sample"].values[0] == "T1"
    assert cube["spectra"].values[0, 0, 0] == 2.61776


def test_samson_without_guesses(real):
    cube = open_cube(
        real / "samson/Samson.mat",
        channel="Wavelengths.mat:lambda_Samson",
        units="nm",
        pixel_order="F",
        truth="S_GT,GT",
    )
    assert cube.attrs["guesses"] == []
    with pytest.warns(GuessWarning):
        same = open_cube(real / "samson/Samson.mat")
    np.testing.assert_array_equal(cube["spectra"], same["spectra"])
