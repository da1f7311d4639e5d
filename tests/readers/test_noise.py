"""What files say of the noise of their values, through the door: as variance, with missing values where there is none."""

import numpy as np
import pytest

import spaxel
from spaxel.readers.parts.noise import kind_of
from spaxel.store.run_folder import read_result

fits = pytest.importorskip("astropy.io.fits")
SHAPE = (6, 5, 7)  # channel, y, x


def ifu(path, name, values, prefix=""):
    rng = np.random.default_rng(2)
    data = rng.normal(5, 1, SHAPE).astype("f4")
    header = fits.Header({"CTYPE3": "WAVE", "CRVAL3": 5000.0, "CRPIX3": 1.0, "CDELT3": 2.0, "CUNIT3": "Angstrom"})
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(data, header, name=prefix + "DATA")]
    fits.HDUList([*hdus, fits.ImageHDU(values, name=prefix + name)]).writeto(path)
    return data.transpose(1, 2, 0)


@pytest.mark.parametrize(
    ("name", "power"), [("STAT", 1), ("VAR", 1), ("IVAR", -1), ("ERR", 0.5), ("SIGMA", 0.5), ("UNCERT", 0.5)]
)
@pytest.mark.parametrize("prefix", ["", "IFU.1."])
def test_fits_says_how_noisy_its_values_are(tmp_path, name, power, prefix):
    variance = np.random.default_rng(1).uniform(1, 3, SHAPE)
    variance[2, 3, 4] = np.inf
    data = ifu(tmp_path / "cube.fits", name, (variance**power).astype("f8"), prefix)
    cube = spaxel.open_cube(tmp_path / "cube.fits")
    assert cube["variance"].chunks is not None
    np.testing.assert_allclose(cube["variance"], variance.transpose(1, 2, 0), rtol=1e-6)
    np.testing.assert_array_equal(np.isnan(cube["spectra"].values), np.isinf(variance.transpose(1, 2, 0)))
    assert cube["valid"].values.all()
    assert any(s.startswith(f"variance from {prefix}{name}") for s in cube.attrs["history"])
    without = spaxel.open_cube(tmp_path / "cube.fits", variance="none")
    assert "variance" not in without
    assert without.attrs["history"][-1] == "variance left out: option variance is none"
    np.testing.assert_array_equal(
        without["spectra"].values, np.where(np.isinf(variance.transpose(1, 2, 0)), np.nan, data)
    )
    with pytest.raises(spaxel.SpaxelError, match="expected one of use, none"):
        spaxel.open_cube(tmp_path / "cube.fits", variance="maybe")


def test_inverse_variance_of_zero_is_a_missing_value(tmp_path):
    inverse = np.ones(SHAPE, "f4")
    inverse[1, 2, 3], inverse[:, 0, 0] = 0, 0
    ifu(tmp_path / "cube.fits", "IVAR", inverse)
    cube = spaxel.open_cube(tmp_path / "cube.fits").load()
    assert np.isinf(cube["variance"].values[2, 3, 1])
    assert np.isnan(cube["spectra"].values[2, 3, 1])
    assert not cube["valid"].values[0, 0]
    assert cube["valid"].values.sum() == 34


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("errors", "sigma"), ("dataErrors", "sigma"), ("entry/data/errors", "sigma"), ("ivar", "inverse"),
        ("NIR_var", "variance"), ("inverse_variance", "inverse"), ("uncertainties", "sigma"),
        ("spectra", ""), ("covariance", ""), ("standard", ""),
        ("VAR_POISSON", ""),
    ],
)  # fmt: skip
def test_names_of_arrays_that_tell_of_noise(name, kind):
    assert kind_of(name) == kind


def files(path, kind):
    """The same spectra and errors as npz, MATLAB 5, MATLAB 7.3, HDF5 and NeXus; each a function of the arrays."""
    import h5py
    import scipy.io

    def hdf5(name, arrays, group="", **attrs):
        with h5py.File(path / name, "w") as file:
            held = file.create_group(group) if group else file
            held.attrs.update(attrs)
            for key, value in arrays.items():
                held[key] = value
            if group:
                held["data"].attrs["uncertainties"] = next(iter(set(arrays) - {"data", "wavelength"}))
        return path / name

    def npz(arrays):
        np.savez(path / "a.npz", **arrays)
        return path / "a.npz"

    def mat(arrays):
        scipy.io.savemat(path / "a.mat", arrays)
        return path / "a.mat"

    nexus = {"signal": "data", "axes": ["y", "x", "wavelength"], "NX_class": "NXdata"}
    return {
        "npz": npz, "mat": mat, "h5": lambda arrays: hdf5("a.h5", arrays),
        "nexus": lambda arrays: hdf5("a.nxs", arrays, "entry", **nexus),
    }[kind]  # fmt: skip


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
@pytest.mark.parametrize("kind", ["npz", "mat", "h5", "nexus"])
@pytest.mark.parametrize(
    ("name", "power"),
    [("errors", 0.5), ("dataErrors", 0.5), ("data_sigma", 0.5), ("uncertainty", 0.5), ("ivar", -1), ("variance", 1)],
)
def test_arrays_beside_the_spectra_say_how_noisy_they_are(tmp_path, kind, name, power):
    """Errors, standard deviations, variances and their inverse, laid out as the spectra are, never taken for them."""
    rng = np.random.default_rng(5)
    spectra, variance = rng.normal(5, 1, (9, 8, 40)), rng.uniform(1, 3, (9, 8, 40))
    variance[3, 4, 5] = np.inf
    arrays = {"data": spectra, name: variance**power, "wavelength": np.linspace(400, 790, 40)}
    cube = spaxel.open_cube(files(tmp_path, kind)(arrays))
    np.testing.assert_allclose(cube["variance"], variance, rtol=1e-9)
    np.testing.assert_array_equal(cube["spectra"].values, np.where(np.isinf(variance), np.nan, spectra))
    assert any(s.startswith("variance from ") and name in s for s in cube.attrs["history"])


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_errors_of_a_table_and_of_channels_first(tmp_path):
    rng = np.random.default_rng(5)
    spectra, sigma = rng.normal(5, 1, (30, 12)), rng.uniform(1, 3, (30, 12))
    np.savez(tmp_path / "table.npz", spectra=spectra, spectra_err=sigma, wavelength=np.linspace(400, 510, 12))
    np.testing.assert_allclose(spaxel.open_cube(tmp_path / "table.npz")["variance"].values[:, 0], sigma**2)
    first = {
        "cube": spectra.reshape(5, 6, 12).transpose(2, 0, 1),
        "cube_err": sigma.reshape(5, 6, 12).transpose(2, 0, 1),
    }
    np.savez(tmp_path / "first.npz", **first, wavelength=np.linspace(400, 510, 12))
    cube = spaxel.open_cube(tmp_path / "first.npz")
    np.testing.assert_allclose(cube["variance"], sigma.reshape(5, 6, 12) ** 2)
    alone = {"errors": sigma.reshape(5, 6, 12), "wavelength": np.linspace(400, 510, 12)}
    np.savez(tmp_path / "alone.npz", **alone)
    assert "variance" not in spaxel.open_cube(tmp_path / "alone.npz")


@pytest.mark.filterwarnings("always:The variance of the file")
def test_info_and_a_run_say_where_the_noise_is_from(tmp_path, cli):
    """spaxel info and segment, with the variance, without it, and with one that is plainly wrong."""
    galaxy = spaxel.simulate("ifu", height=20, width=22, channels=60, seed=2).load()
    values = galaxy["variance"].values.transpose(2, 0, 1)
    for name, times in (("right", 1.0), ("wrong", 1e4)):
        cube = [
            fits.ImageHDU(galaxy["spectra"].values.transpose(2, 0, 1), name="DATA"),
            fits.ImageHDU(times * values, name="STAT"),
        ]
        fits.HDUList([fits.PrimaryHDU(), *cube]).writeto(tmp_path / f"{name}.fits")
    right, wrong = tmp_path / "right.fits", tmp_path / "wrong.fits"
    assert "from the file's variance" in cli("info", right)[1]
    assert "The variance of the file is not used" in cli("info", wrong)[1]
    assert "file's variance" not in cli("info", right, "--variance", "none")[1]
    segment = ("--n-clusters", "3", "--scaling", "unit")
    code, said, _ = cli("segment", "--method=kmeans", right, "-o", tmp_path / "a", *segment)
    assert code == 0
    assert "Noise: from the file's variance" in said
    assert "Noise: from the file's variance" in (tmp_path / "a" / "report.html").read_text("utf-8").replace(
        "&#39;", "'"
    )
    code, said, warned = cli("segment", "--method=kmeans", wrong, "-o", tmp_path / "b", *segment)
    assert "The variance of the file is not used" in warned + said
    cli("segment", "--method=kmeans", right, "-o", tmp_path / "c", *segment, "--variance", "none")
    labels = [read_result(tmp_path / run)["labels"].values for run in "abc"]
    assert (labels[1] == labels[2]).all()
    assert (labels[0] != labels[2]).any()
