"""Files of instruments: round trips by RosettaSciIO, and what is refused."""

import sys

import numpy as np
import pytest

from spaxel.errors import CubeError, GuessWarning, MissingExtra, NotFound, ReadError
from spaxel.readers import open_cube, readers
from spaxel.testing import check_reader

rsciio = pytest.importorskip("rsciio")
DATA = np.random.default_rng(0).integers(1, 99, (13, 7, 11)).astype("u2")


def axis(number, name, size, units, scale=0.5, offset=1.0, navigate=True):
    kind = {"_type": "UniformDataAxis", "is_binned": False, "index_in_array": number}
    return kind | {"name": name, "size": size, "units": units, "scale": scale, "offset": offset, "navigate": navigate}


def signal(data=DATA, *, title="map", units="keV", name="Energy", uneven=None):
    """A signal as RosettaSciIO writes it; its last axis is spectral."""
    names = ["y", "x"] if data.ndim == 3 else ["x"][: data.ndim - 1]
    axes = [axis(n, each, data.shape[n], "um") for n, each in enumerate(names)]
    last = axis(data.ndim - 1, name, data.shape[-1], units, 0.1, 2.0, navigate=False)
    if uneven is not None:
        last = {k: v for k, v in last.items() if k not in ("scale", "offset")} | {"axis": uneven, "_type": "DataAxis"}
    metadata = {"General": {"title": title}, "Signal": {"signal_type": ""}, "Sample": {"elements": ["Fe", "Ca"]}}
    return {
        "data": data,
        "axes": [*axes, last],
        "metadata": metadata,
        "original_metadata": {},
        "attributes": {"_lazy": False, "ragged": False},
        "package_info": {"package": "spaxel", "package_version": "0"},
        "package": "spaxel",
        "package_version": "0",
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
    }


def save(path, *args, **options):
    from rsciio import emd, hspy

    (emd if path.suffix == ".emd" else hspy).file_writer(str(path), signal(*args, **options))
    return path


@pytest.mark.parametrize("suffix", ["hspy", "emd"])
def test_round_trip(tmp_path, suffix):
    cube = open_cube(save(tmp_path / f"a.{suffix}"))
    np.testing.assert_array_equal(cube["spectra"], DATA)
    np.testing.assert_allclose(cube["channel"], 2 + 0.1 * np.arange(11))
    assert cube["channel"].attrs == {"units": "keV", "long_name": "energy"}
    assert cube.attrs["pixel_size"] == [0.5, 0.5]
    assert cube.attrs["guesses"] == []
    assert cube.attrs.get("elements") == (["Fe", "Ca"] if suffix == "hspy" else None)
    assert cube.attrs["reader"] == "instrument"


def test_content_decides_not_the_suffix(tmp_path):
    save(tmp_path / "a.hspy").rename(tmp_path / "a.h5")
    np.testing.assert_array_equal(open_cube(tmp_path / "a.h5")["spectra"], DATA)


def test_uneven_axis_is_kept(tmp_path):
    uneven = 900 + np.cumsum(1 + np.arange(11) / 7)
    cube = open_cube(save(tmp_path / "a.hspy", units="1/cm", name="Raman Shift", uneven=uneven))
    np.testing.assert_array_equal(cube["channel"], uneven)
    assert cube["channel"].attrs["units"] == "1/cm"


@pytest.mark.parametrize(
    ("data", "shape"), [(DATA[0], (7, 1, 11)), (DATA[0, 0], (1, 1, 11)), (DATA[:1, :1], (1, 1, 11))]
)
def test_lines_and_points(tmp_path, data, shape):
    cube = open_cube(save(tmp_path / "a.hspy", data))
    np.testing.assert_array_equal(cube["spectra"], data.reshape(shape))


def test_undeclared_axis_is_a_guess(tmp_path):
    path = save(tmp_path / "a.emd", units="", name="thing")
    with pytest.warns(GuessWarning, match=r"decides"):
        cube = open_cube(path)
    assert cube["spectra"].shape == (13, 7, 11)
    assert any("channel_axis" in guess for guess in cube.attrs["guesses"])
    np.testing.assert_array_equal(open_cube(path, channel_axis=0, channel="index")["spectra"], np.moveaxis(DATA, 0, -1))


def test_of_several_maps_the_first_of_the_largest_is_taken_aloud(tmp_path):
    import h5py

    save(tmp_path / "a.hspy", title="left")
    save(tmp_path / "b.hspy", DATA + 1, title="right")
    with h5py.File(tmp_path / "b.hspy") as source, h5py.File(tmp_path / "a.hspy", "a") as target:
        source.copy("Experiments/right", target["Experiments"])
    with pytest.warns(GuessWarning, match=r"left.*right.*took 'left'.*Option dataset decides"):
        cube = open_cube(tmp_path / "a.hspy")
    np.testing.assert_array_equal(cube["spectra"], DATA)
    np.testing.assert_array_equal(open_cube(tmp_path / "a.hspy", dataset="right")["spectra"], DATA + 1)
    with pytest.raises(NotFound, match="left"):
        open_cube(tmp_path / "a.hspy", dataset="middle")


def test_complex_is_refused(tmp_path):
    with pytest.raises(CubeError, match="complex"):
        open_cube(save(tmp_path / "a.hspy", DATA.astype("c8")))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.95])
def test_truncated(tmp_path, share):
    path = save(tmp_path / "a.hspy")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ReadError):
        open_cube(path)


@pytest.mark.parametrize("head", [b"AAMVHFSS", b"WDF1", b"AAMVHFSS" + b"\xff" * 400, b"WDF1" + b"\0" * 5000])
def test_rubbish_behind_a_signature(tmp_path, head):
    (tmp_path / "a.bin").write_bytes(head)
    with pytest.raises(ReadError):
        open_cube(tmp_path / "a.bin")


@pytest.mark.parametrize("suffix", ["dm3", "dm4", "ser", "pts", "spd", "prz"])
@pytest.mark.parametrize("text", [b"", b"nonsense, no file of an instrument \xff\0" * 99])
def test_rubbish_with_a_suffix(tmp_path, suffix, text):
    (tmp_path / f"a.{suffix}").write_bytes(text)
    with pytest.raises((ReadError, MissingExtra)):
        open_cube(tmp_path / f"a.{suffix}")


def test_without_rosettasciio(tmp_path, monkeypatch):
    path = save(tmp_path / "a.hspy")
    monkeypatch.setitem(sys.modules, "rsciio.hspy", None)
    with pytest.raises(MissingExtra, match=r"spaxel\[vendors\]"):
        open_cube(path)


def test_promises_of_a_reader(tmp_path):
    check_reader(readers()["instrument"], save(tmp_path / "a.hspy"))
