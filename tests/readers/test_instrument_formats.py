"""RosettaSciIO's own list of formats, one by one: opened (a file by its writer, or a real one), not spectral, or why not."""

import json
import struct
import zipfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from spaxel.errors import GuessWarning, NotFound, ReadError, SpaxelError
from spaxel.readers import open_cube

rsciio = pytest.importorskip("rsciio")
DATA = np.random.default_rng(0).integers(1, 99, (13, 7, 11)).astype("u2")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

WRITTEN = {  # format -> suffix, axes of the data that is written
    "EMD": ("emd", 3), "HSPY": ("hspy", 3), "PantaRhei": ("prz", 3), "DigitalSurf": ("sur", 3), "Ripple": ("rpl", 3),
    "MSA": ("msa", 1), "Semper": ("unf", 3), "NeXus": ("nxs", 3),
}  # fmt: skip
REAL = {  # format -> a file of ../shared/data
    "Bruker": "eds_bruker/test_TEM.bcf", "Renishaw": "formats/renishaw_test_map.wdf",
    "DigitalMicrograph": "formats/EELS_SI.dm4",
    "Delmic": "formats/test_hyperspectral.h5", "ZSPY": "formats/signal1d_10x10-ZipStore.zspy",
    "JEOL": "formats/View000_0000006.pts",
    "JobinYvon": "formats/jobinyvon_test_map_x3-y2.xml", "TriVista": "formats/map.tvf", "Phenom": "formats/Elid2Version4.elid",
}  # fmt: skip
BY_HAND = {"EDAX", "Hamamatsu", "Quadstar"}  # known by their header, see below; no public file lies here
OWN_READER = {"numpy": "array", "TIFF": "raster"}
NOT_SPECTRAL = {  # pictures, diffraction patterns, and logs of an experiment
    "MRC", "MRCZ", "Image", "QuantumDetector", "TVIPS", "Blockfile", "EMPAD", "Arina", "Topspin", "DENS", "Impulse",
    "Protochips",
}  # fmt: skip
WHY_NOT = {
    "netCDF": "HyperSpy's netCDF of before 2014: RosettaSciIO runs text of the file as a program, so spaxel never calls it; "
    "the arrays are opened as plain netCDF",
    "USID": "needs pyUSID; opened as plain HDF5, dataset= names the array",
    "TIA": "ser is known by its signature; there is no writer and no small public file here",
    "Tofwerk": "a map of mass spectra in HDF5; opened as plain HDF5, dataset= names the array",
}


def signal(data, *, units="keV", name="Energy"):
    names = ["y", "x"][2 - (data.ndim - 1) :] if data.ndim > 1 else []
    axes = [
        {"_type": "UniformDataAxis", "is_binned": False, "index_in_array": n, "name": each, "size": data.shape[n],
         "units": "um", "scale": 0.5, "offset": 1.0, "navigate": True}
        for n, each in enumerate(names)
    ]  # fmt: skip
    last = {"_type": "UniformDataAxis", "is_binned": False, "index_in_array": data.ndim - 1, "name": name,
            "size": data.shape[-1], "units": units, "scale": 0.1, "offset": 2.0, "navigate": False}  # fmt: skip
    return {
        "data": data, "axes": [*axes, last], "original_metadata": {}, "learning_results": {}, "models": {},
        "metadata": {"General": {"title": "map"}, "Signal": {"signal_type": ""}},
        "attributes": {"_lazy": False, "ragged": False}, "package_info": {"package": "spaxel", "package_version": "0"},
        "package": "spaxel", "package_version": "0", "tmp_parameters": {},
    }  # fmt: skip


def write(name, folder):
    suffix, n_axes = WRITTEN[name]
    module = next(p["api"] for p in rsciio.IO_PLUGINS if p["name"] == name)
    data = DATA if n_axes == 3 else DATA[0, 0].astype(float)
    path = folder / f"a.{suffix}"
    import_module(module).file_writer(str(path), signal(data.astype("f4") if name == "Semper" else data))
    return path, data


def test_the_whole_list_is_spoken_of():
    said = [*WRITTEN, *REAL, *BY_HAND, *OWN_READER, *NOT_SPECTRAL, *WHY_NOT]
    assert len(said) == len(set(said))
    assert {plugin["name"] for plugin in rsciio.IO_PLUGINS} <= set(said)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_of_its_writer_opens(tmp_path, name):
    path, data = write(name, tmp_path)
    cube = open_cube(path, **({"channel_axis": 2} if name == "Semper" else {}))
    np.testing.assert_array_equal(cube["spectra"].values.ravel(), data.ravel())
    assert cube["spectra"].shape == (data.shape if data.ndim == 3 else (1, 1, 11))
    if name in ("PantaRhei",):  # the writer keeps no axes
        return
    np.testing.assert_allclose(cube["channel"], 2 + 0.1 * np.arange(11), rtol=1e-5)
    if name != "Semper":
        assert cube["channel"].attrs["units"] == "keV"


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_a_real_file_opens(real, name):
    cube = open_cube(real / REAL[name])
    assert cube.attrs["reader"] == "instrument"
    assert bool(cube["valid"].isel(y=slice(8), x=slice(8)).any()) or name == "JEOL"


def prz(path, compressed=False):
    """A spectrum image as Panta Rhei 24.03 and later write it: axes in JSON, slowest last."""
    side = {"unit": "nm", "value": 2.0, "offset": 0.0}
    calib = [{"unit": "eV", "value": 0.25, "offset": 400.0}, side, side]
    meta = {"type": "1D", "content.types": ["Energy", "ScanX", "ScanY"], "device.calib": calib, "repo_id": "a"}
    save = np.savez_compressed if compressed else np.savez
    save(path, data=DATA, meta_data_json=np.array(json.dumps([meta])), file_format_version=np.array("1"))
    return path.with_suffix(".prz.npz").rename(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_panta_rhei_comes_before_npz(tmp_path, compressed):
    cube = open_cube(prz(tmp_path / "a.prz", compressed))
    assert cube.attrs["reader"] == "instrument"
    np.testing.assert_array_equal(cube["spectra"], DATA)
    np.testing.assert_allclose(cube["channel"], 100 + 0.25 * np.arange(11))
    assert cube.attrs["pixel_size"] == [2.0, 2.0]


INCA = """(MLX::
  width : {w}
  height : {h}
  depth : {c}
  offset : 0
  data-length : 2
  data-type : unsigned
  byte-order : little-endian
  record-by : vector )
"""


@pytest.mark.parametrize("record", ["vector", "image"])
@pytest.mark.parametrize("order", ["little-endian", "big-endian"])
@pytest.mark.parametrize("asked", ["rpl", "raw"])
def test_ripple(tmp_path, record, order, asked):
    data = DATA if record == "vector" else np.moveaxis(DATA, -1, 0)
    data.astype("<u2" if order[0] == "l" else ">u2").tofile(tmp_path / "a.raw")
    (tmp_path / "a.rpl").write_text(
        "key\tvalue\nwidth\t7\nheight\t13\ndepth\t11\noffset\t0\ndata-length\t2\ndata-type\tunsigned\n"
        f"byte-order\t{order}\nrecord-by\t{record}\nev-per-chan\t250\n"
    )
    cube = open_cube(tmp_path / f"a.{asked}")
    np.testing.assert_array_equal(cube["spectra"], DATA)
    np.testing.assert_allclose(cube["channel"], 250 * np.arange(11))
    assert cube["channel"].attrs["units"] == "eV"


def test_ripple_without_its_numbers_or_cut(tmp_path):
    path, _ = write("Ripple", tmp_path)
    whole = (tmp_path / "a.raw").read_bytes()
    (tmp_path / "a.raw").write_bytes(whole[:-3])
    with pytest.raises(ReadError, match=r"a\.raw is truncated"):
        open_cube(path)
    (tmp_path / "a.raw").unlink()
    with pytest.raises(NotFound, match=r"a\.raw"):
        open_cube(path)


def test_a_raw_file_of_envi_stays_one(tmp_path):
    write("Ripple", tmp_path)
    (tmp_path / "a.hdr").write_text(
        "ENVI\nsamples = 7\nlines = 13\nbands = 11\nheader offset = 0\ndata type = 12\ninterleave = bip\nbyte order = 0\n"
    )
    assert open_cube(tmp_path / "a.raw").attrs["reader"] == "envi"


def zspy(folder, *, data=DATA, zarr_format=2, chunks=None):
    import zarr

    root = zarr.open_group(str(folder), mode="w", zarr_format=zarr_format)
    group = root.create_group("Experiments/map")
    group.create_array("data", shape=data.shape, dtype=data.dtype, chunks=chunks or data.shape)[:] = data
    names = [("t", "s"), ("y", "um"), ("x", "um"), ("Energy", "keV")][4 - data.ndim :]
    for n, (name, unit) in enumerate(names):
        group.create_group(f"axis-{n}").attrs.update(
            {
                "name": name,
                "units": unit,
                "scale": 0.5,
                "offset": 1.0,
                "size": data.shape[n],
                "navigate": name != "Energy",
            }
        )
    group.create_group("metadata/General").attrs["title"] = "map"
    return folder


def zipped(folder):
    path = folder.with_name("zip.zspy")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("as_zip", [False, True])
def test_zspy_folder_and_zip(tmp_path, zarr_format, as_zip):
    folder = zspy(tmp_path / "a.zspy", zarr_format=zarr_format, chunks=(5, 3, 11))
    cube = open_cube(zipped(folder) if as_zip else folder)
    np.testing.assert_array_equal(cube["spectra"], DATA)
    assert cube["spectra"].chunks is not None
    np.testing.assert_allclose(cube["channel"], 1 + 0.5 * np.arange(11))
    assert cube["channel"].attrs["units"] == "keV"
    assert (cube.attrs["pixel_size"], cube.attrs["pixel_units"]) == ([0.5, 0.5], "um")


@pytest.mark.parametrize("write_it", ["hspy", "zspy"])
def test_four_axes(tmp_path, write_it):
    data = np.stack([DATA, DATA + 1, DATA + 2])
    path = tmp_path / f"a.{write_it}"
    if write_it == "zspy":
        zspy(path, data=data, chunks=(1, 13, 7, 11))
    else:
        made = signal(DATA)
        axes = [dict(a, index_in_array=a["index_in_array"] + 1) for a in made["axes"]]
        made |= {"data": data, "axes": [dict(axes[0], name="t", units="s", size=3, index_in_array=0), *axes]}
        import_module("rsciio.hspy").file_writer(str(path), made)
    with pytest.warns(GuessWarning, match=r"3 maps are stacked along y, 13 rows each. Option index decides"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], data.reshape(39, 7, 11))
    assert [m["y"] for m in cube.attrs["maps"]] == [0, 13, 26]
    picked = open_cube(path, index="t=2")
    np.testing.assert_array_equal(picked["spectra"], DATA + 2)
    assert "maps" not in picked.attrs


def test_index_on_the_command_line(cli, tmp_path):
    zspy(tmp_path / "a.zspy", data=np.stack([DATA, DATA + 1]))
    code, out, err = cli("info", tmp_path / "a.zspy", "--index", "t=1")
    assert (code, err) == (0, "")
    assert "13 x 7" in out
    code, _, err = cli("info", tmp_path / "a.zspy", "--index", "q=1")
    assert code == 2
    assert "It has: t (2)" in err


@pytest.mark.real_data
def test_events_are_read_once_and_given_out_in_tiles(real):
    cube = open_cube(real / REAL["JEOL"])
    assert cube["spectra"].shape == (512, 512, 4096)
    assert cube["spectra"].chunks[0][0] == 64
    part = cube["spectra"].isel(y=slice(60, 70), x=slice(3, 9)).values
    assert part.shape == (10, 6, 4096)
    whole = import_module("rsciio.jeol").file_reader(str(real / REAL["JEOL"]), lazy=True)[0]["data"]
    held = next(v for v in dict(whole.__dask_graph__()).values() if hasattr(v, "coords"))
    y, x, _ = held.coords
    assert part.sum() == held.data[(y >= 60) & (y < 70) & (x >= 3) & (x < 9)].sum()


FILES = {
    "prz": prz, "rpl": lambda path: write("Ripple", path.parent)[0], "sur": lambda path: write("DigitalSurf", path.parent)[0],
    "msa": lambda path: write("MSA", path.parent)[0], "unf": lambda path: write("Semper", path.parent)[0],
    "zspy": lambda path: zipped(zspy(path.parent / "b.zspy")),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.filterwarnings("ignore")
def test_mutants_end_in_an_error_of_ours(tmp_path, kind):
    """300 files with a few bytes changed, or cut: each opens or is refused, and nothing else is raised."""
    mutate(FILES[kind](tmp_path / f"a.{kind}"))


MUTATED = ["Elid2Version4.elid", "panta_rhei_sample.prz", "map.tvf", "EELS_SI.dm4", "jobinyvon_test_map_x3-y2.xml",
           "sparc-hyperspectral.h5", "test_spectral_map.sur"]  # fmt: skip


@pytest.mark.real_data
@pytest.mark.parametrize("name", MUTATED)
@pytest.mark.filterwarnings("ignore")
def test_mutants_of_real_files(real, tmp_path, name):
    path = tmp_path / name
    path.write_bytes((real / "formats" / name).read_bytes())
    mutate(path, 130 if path.suffix == ".h5" else 60)  # the 122nd once took the process down


def mutate(path: Path, count: int = 300) -> None:
    rng, whole = np.random.default_rng(0), path.read_bytes()
    for number in range(count):
        bad = bytearray(whole)
        for _ in range(1 + number % 4):
            bad[rng.integers(len(bad) if number % 2 else min(len(bad), 600))] = rng.integers(256)
        path.write_bytes(bad[: rng.integers(1, len(bad))] if number % 5 == 0 else bad)
        try:
            open_cube(path)["spectra"].isel(y=slice(4), x=slice(4)).values.sum()
        except SpaxelError:
            continue


def test_headers_that_say_what_a_file_is(tmp_path):
    """Formats without a public file: their header is known, and what is behind it is refused as damaged."""
    heads = {
        "a.spc": struct.pack("<f", 0.70), "a.spd": b"MAPSPECTRA_DATA\0", "a.img": b"IM\x10\0" + bytes(60) + b"[Application]",
        "a.sac": bytes(8) + bytes([1, 2, 3, 4, 5, 100]) + bytes(0x68 - 14) + b"\1\0" + bytes(0xC8 - 0x6A) + b"\x11" + bytes(9),
    }  # fmt: skip
    for name, head in heads.items():
        (tmp_path / name).write_bytes(head)
        with pytest.raises(ReadError, match="file of an instrument"):
            open_cube(tmp_path / name)
