"""A Zarr folder is data: whatever its metadata ask for, no program runs while it is opened or read."""

import json
import os
import shutil
import zipfile

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from spaxel import open_cube
from spaxel.errors import GuessWarning, ReadError
from spaxel.store.codecs import CODECS, check_metadata
from spaxel.testing import tiny_cube


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, sign):
        self.sign = sign

    def __reduce__(self):
        return os.mkdir, (str(self.sign),)


@pytest.fixture(autouse=True)
def old_numcodecs(monkeypatch):
    """numcodecs before 0.16.6, which unpickled without being asked."""
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)


@pytest.fixture
def sign(tmp_path):
    return tmp_path / "the-attack-has-run"


def pickled_array(folder, sign, shape=(3, 4, 5), **metadata):
    """A Zarr array of version 2, each of whose chunks is a pickle."""
    folder.mkdir(parents=True)
    told = {"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "<f8", "order": "C", "fill_value": 0}
    told |= {"filters": None, "compressor": None} | metadata
    (folder / ".zarray").write_text(json.dumps(told))
    (folder / ".".join("0" * len(shape))).write_bytes(numcodecs.Pickle().encode(Attack(sign)))
    return folder


PICKLE = {"id": "pickle", "protocol": 5}
TEXT = {"id": "vlen-utf8"}
VARIANTS = {  # the first three run in zarr 3.1, the others in older ones
    "objects, compressor": {"dtype": "|O", "filters": [TEXT], "compressor": PICKLE},
    "objects, filter": {"dtype": "|O", "filters": [TEXT, PICKLE]},
    "objects, after a good one": {"dtype": "|O", "filters": [TEXT, PICKLE, {"id": "shuffle", "elementsize": 1}]},
    "numbers, filter": {"filters": [PICKLE]},
    "numbers, compressor": {"compressor": PICKLE},
    "numbers, after a good one": {"filters": [{"id": "shuffle"}, PICKLE], "compressor": {"id": "zlib"}},
    "object codec": {"dtype": "|O", "filters": [PICKLE], "object_codec": PICKLE},
    "without protocol": {"filters": [{"id": "pickle"}]},
}
variants = pytest.mark.parametrize("metadata", VARIANTS.values(), ids=VARIANTS)


@pytest.mark.parametrize("metadata", list(VARIANTS.values())[:3])
def test_the_attack_is_one(tmp_path, sign, metadata):
    """Without our check it runs; else the tests below say nothing."""
    folder = pickled_array(tmp_path / "a.zarr", sign, **metadata)
    with pytest.raises((TypeError, ValueError, AttributeError, RuntimeError)):
        zarr.open(folder, mode="r")[...]
    assert sign.is_dir()


@variants
@pytest.mark.parametrize("place", ["", "in/a/group", "beside"])
def test_inputs(cli, tmp_path, sign, metadata, place):
    folder = tmp_path / "scan.zarr"
    pickled_array(folder / place, sign, **metadata)
    for group in [folder, folder / "in", folder / "in" / "a"] if place else []:
        group.mkdir(exist_ok=True)
        (group / ".zgroup").write_text('{"zarr_format": 2}')
    if place == "beside":  # a good array, and the attack where the axis is
        zarr.create_array(folder / "spectra", data=np.ones((3, 4, 5)), zarr_format=2)
        shutil.rmtree(folder / "beside")
        pickled_array(folder / "wavelength", sign, (5,), **metadata)
    for verb in (
        ["info", folder],
        ["convert", folder, tmp_path / "out"],
        ["segment", "--method=kmeans", folder, "-o", tmp_path / "out"],
    ):
        code, said, error = cli(*verb)
        assert (code, said) == (2, "")
        assert "asks for the codec 'pickle'" in error
    assert not sign.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("metadata", list(VARIANTS.values())[:4])
@pytest.mark.parametrize("variable", ["picture", "channel"])
def test_runs(cli, own_run, sign, metadata, variable):
    result = own_run / "result.zarr"
    held = xr.open_zarr(result, consolidated=False).load().drop_encoding()
    shutil.rmtree(result)
    held.to_zarr(result, zarr_format=2)
    dims = (result / variable / ".zattrs").read_text()
    shutil.rmtree(result / variable)
    pickled_array(result / variable, sign, held[variable].shape, **metadata)
    (result / variable / ".zattrs").write_text(dims)
    before = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}
    for verb in (["report", own_run], ["cut", own_run, 2], ["score", own_run]):
        code, _, error = cli(*verb)
        assert code == 2
        assert "asks for the codec 'pickle'" in error
    assert {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()} == before
    assert not sign.exists()


def test_consolidated_metadata_of_version_2(tmp_path, sign):
    """The array looks harmless where it lies, and is not in what was collected of it."""
    folder = tmp_path / "scan.zarr"
    pickled_array(folder / "spectra", sign)
    zarray = json.loads((folder / "spectra" / ".zarray").read_text())
    held = {".zgroup": {"zarr_format": 2}, "spectra/.zarray": zarray | {"filters": [PICKLE]}, "spectra/.zattrs": {}}
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / ".zmetadata").write_text(json.dumps({"zarr_consolidated_format": 1, "metadata": held}))
    with pytest.raises(ReadError, match=r"\.zmetadata asks for the codec 'pickle'"):
        open_cube(folder)
    assert not sign.exists()


def test_behind_a_link(tmp_path, sign):
    pickled_array(tmp_path / "elsewhere", sign, filters=[PICKLE])
    group = zarr.create_group(tmp_path / "scan.zarr", zarr_format=2)
    group.create_array("good", data=np.ones((3, 4, 5)))
    (tmp_path / "scan.zarr" / "spectra").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReadError, match="asks for the codec 'pickle'"):
        open_cube(tmp_path / "scan.zarr")
    assert not sign.exists()


@pytest.mark.parametrize("name", ["scan.zarr.zip", "scan.npz", "scan.prz"])
def test_zip_stores(cli, tmp_path, sign, name):
    folder = pickled_array(tmp_path / "a.npy", sign, filters=[PICKLE])
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"a.npy/{file.name}")
    assert cli("info", tmp_path / name)[0] == 2
    assert not sign.exists()


SHARD = {"chunk_shape": [1], "codecs": [{"name": "bytes"}, {"name": "evil"}], "index_codecs": []}


@pytest.mark.parametrize(
    "metadata",
    [
        {"codecs": [{"name": "numcodecs.pickle", "configuration": {"id": "pickle"}}]},
        {"codecs": ["evil"]},
        {"codecs": {"name": "evil"}},
        {"codecs": [{"name": "sharding_indexed", "configuration": SHARD}]},
        {"codecs": [{"name": "sharding_indexed", "configuration": {"index_codecs": ["evil"]}}]},
        {"codecs": [{"configuration": {}}]},
        {"codecs": [{"name": ["bytes"]}]},
        {"filters": [{"id": {}}]},
        {"filters": "pickle"},
        {"object_codec": PICKLE},
        {"compressor": {"id": "numcodecs.Pickle"}},
        {"compressor": {"id": "json2"}},
        {"consolidated_metadata": {"metadata": {"a": {"codecs": ["evil"]}}}},
        {"consolidated_metadata": {"metadata": {"metadata": {"codecs": ["evil"]}}}},
        {"consolidated_metadata": {"metadata": {"a": {"consolidated_metadata": {"metadata": {"b": {"codecs": [0]}}}}}}},
        {"metadata": {"a/.zarray": {"filters": [PICKLE]}}},
    ],
    ids=str,
)
def test_every_place_that_names_a_codec_is_looked_at(tmp_path, metadata):
    with pytest.raises(ReadError, match="asks for the codec"):
        check_metadata(tmp_path / "zarr.json", json.dumps(metadata).encode())


def test_version_3_is_refused_before_a_chunk_is_read(cli, tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=np.ones((3, 4, 5)), zarr_format=3)
    file = tmp_path / "a.zarr" / "zarr.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"codecs": [*told["codecs"], {"name": "numcodecs.pickle", "configuration": {}}]}))
    code, _, error = cli("info", tmp_path / "a.zarr")
    assert code == 2
    assert "numcodecs.pickle" in error


def test_what_people_write_about_filters_is_no_codec(tmp_path):
    attributes = {"filters": ["g", "r", "pickle"], "codecs": ["pickle"], "compressor": "pickle"}
    for held in ({"attributes": attributes}, {"metadata": {"a/.zattrs": attributes}}):
        check_metadata(tmp_path / "zarr.json", json.dumps(held).encode())


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("codec", ["zstd", "gzip", "blosc", None])
def test_usual_codecs_are_read(tmp_path, version, codec):
    made = {
        2: {"zstd": numcodecs.Zstd(), "gzip": numcodecs.GZip(), "blosc": numcodecs.Blosc()},
        3: {"zstd": zarr.codecs.ZstdCodec(), "gzip": zarr.codecs.GzipCodec(), "blosc": zarr.codecs.BloscCodec()},
    }[version].get(codec)
    data = tiny_cube()["spectra"].values
    zarr.create_array(tmp_path / "a.zarr", data=data, zarr_format=version, compressors=made)
    with pytest.warns(GuessWarning, match="spectral axis"):
        cube = open_cube(tmp_path / "a.zarr", channel_axis=2)
    assert (cube["spectra"].values == data).all()


def test_shards_and_filters_are_read(tmp_path):
    data = np.arange(60.0).reshape(3, 4, 5)
    zarr.create_array(tmp_path / "a.zarr", data=data, chunks=(1, 2, 5), shards=(3, 4, 5))
    zarr.create_array(tmp_path / "b.zarr", data=data, zarr_format=2, filters=[numcodecs.Delta("<f8")])
    for name in "ab":
        with pytest.warns(GuessWarning, match="spectral axis"):
            assert (open_cube(tmp_path / f"{name}.zarr", channel_axis=2)["spectra"].values == data).all()


def test_only_what_computes_is_on_the_list():
    assert not CODECS & {"pickle", "json2", "msgpack2", "categorize", "base64", "python"}
