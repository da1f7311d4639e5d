"""Small files that claim or unpack to gigabytes: refused in words, before anything is allocated for them."""

import bz2
import contextlib
import gzip
import json
import os
import resource
import struct
import time
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
import zarr

from spaxel import open_cube
from spaxel.errors import ParameterError, ReadError, SpaxelError
from spaxel.readers.parts import limits, polygons, zarrays
from spaxel.store import chunk_room

pytestmark = pytest.mark.filterwarnings("ignore")
MIB = 2**20
ZEROS = bytes(MIB)


PACKING = [0.0]  # CPU seconds of making the bombs of a test: what a machine takes for these says nothing of reading


@pytest.fixture
def spare():
    """What is read in this test takes less than three seconds and 300 MiB more than what is held before it."""
    PACKING[0] = 0
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
    assert time.process_time() - begin - PACKING[0] < 3


def read(path, **options):
    return open_cube(path, **options)["spectra"].isel(y=slice(8), x=slice(8)).values


@contextlib.contextmanager
def packing():
    """What is done inside makes a bomb, and is not counted."""
    begin = time.process_time()
    yield
    PACKING[0] += time.process_time() - begin


def packed(wanted, compressor):
    """`wanted` MiB of zeros, packed piece by piece."""
    with packing():
        return b"".join([*(compressor.compress(ZEROS) for _ in range(wanted)), compressor.flush()])


def test_npz(tmp_path, spare):
    import zipfile

    with (
        packing(),
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("cube.npy", "w") as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (400, 512, 512)})
        for _ in range(400):
            file.write(ZEROS)
    with pytest.raises(ReadError, match=r"unpacks from [\d,]+ bytes to 0\.4 GiB, which is not believed"):
        read(tmp_path / "a.npz")


def test_npz_of_many_zeros_that_is_small_still_opens(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", cube=np.zeros((200, 200, 50), "u2"))
    assert open_cube(tmp_path / "a.npz", no_data="none").sizes["channel"] == 50


def test_matlab(tmp_path, spare, monkeypatch):
    monkeypatch.setattr(limits, "UNPACKED", 2**22)
    scipy.io.savemat(tmp_path / "a.mat", {"cube": np.zeros((64, 64, 512))}, do_compression=True)
    with pytest.raises(ReadError, match=r"a variable of it is a bomb: it unpacks from"):
        read(tmp_path / "a.mat")


def array(path, version, codec, shape=(8, 8, 4)):
    options = {"compressors": codec, "filters": None}
    zarr.create_array(str(path), shape=shape, dtype="u2", chunks=shape, zarr_format=version, **options)[:] = 1
    return next(p for p in path.rglob("*") if p.is_file() and p.name[:1] not in (".", "z"))


@pytest.mark.parametrize("name", ["gzip", "zlib", "bz2", "lz4", "zstd", "blosc"])
def test_a_chunk_unpacks_to_more_than_its_array_says(tmp_path, spare, name):
    import numcodecs

    codec = {"gzip": numcodecs.GZip(), "zlib": numcodecs.Zlib(), "bz2": numcodecs.BZ2(), "lz4": numcodecs.LZ4(),
             "zstd": numcodecs.Zstd(), "blosc": numcodecs.Blosc()}[name]  # fmt: skip
    chunk = array(tmp_path / "a.zarr", 2, codec)
    assert (read(tmp_path / "a.zarr", channel_axis=2) == 1).all()
    bomb = {"gzip": lambda: packed(200, zlib.compressobj(9, zlib.DEFLATED, 31)),
            "zlib": lambda: packed(200, zlib.compressobj(9)), "bz2": lambda: packed(40, bz2.BZ2Compressor()),
            }.get(name, lambda: codec.encode(np.zeros(64 * MIB, "u1")))()  # fmt: skip
    chunk.write_bytes(bytes(bomb))
    with pytest.raises(
        ReadError, match=r"unpacks to more than the 512 bytes of a chunk|has \d+ bytes, and a chunk of this"
    ):
        read(tmp_path / "a.zarr", channel_axis=2)


def test_a_stream_is_counted_no_further_than_it_may_be():
    for name, one in (("gzip", gzip.compress), ("zlib", zlib.compress), ("bz2", bz2.compress)):
        for size in (0, 1000, 3 * MIB):
            assert chunk_room._counted(one(bytes(size)), chunk_room._STREAMS[name](), 10 * MIB) == size
        assert MIB < chunk_room._counted(one(bytes(40 * MIB)), chunk_room._STREAMS[name](), MIB) < 4 * MIB


def test_sizes_that_the_heads_of_chunks_announce():
    import numcodecs

    for size in (100, 70_000, 20 * MIB):
        for name, codec in (("zstd", numcodecs.Zstd()), ("lz4", numcodecs.LZ4()), ("blosc", numcodecs.Blosc())):
            assert chunk_room._said(bytes(codec.encode(np.zeros(size, "u1")))[:18], name) == size


@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_that_claims_gigabytes(tmp_path, spare, version):
    chunk = array(tmp_path / "a.zarr", version, {"id": "gzip"} if version == 2 else zarr.codecs.GzipCodec())
    name = ".zarray" if version == 2 else "zarr.json"
    text = (tmp_path / "a.zarr" / name).read_text()
    about = json.loads(text)
    about["shape"] = [4096, 4096, 64]
    if version == 2:
        about["chunks"] = about["shape"]
    else:
        about["chunk_grid"]["configuration"]["chunk_shape"] = about["shape"]
    (tmp_path / "a.zarr" / name).write_text(json.dumps(about))
    chunk.write_bytes(packed(400, zlib.compressobj(9, zlib.DEFLATED, 31)))
    with pytest.raises(ReadError, match=r"unpacks from \d+ bytes to 2\.0 GiB, which is not believed"):
        read(tmp_path / "a.zarr", channel_axis=2)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device")
@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_that_is_a_device_or_a_pipe(tmp_path, spare, version):
    chunk = array(tmp_path / "a.zarr", version, None)
    chunk.unlink()
    chunk.symlink_to("/dev/zero")
    with pytest.raises(ReadError, match="is no file"):
        read(tmp_path / "a.zarr", channel_axis=2)
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(ReadError, match="is no file"):
        read(tmp_path / "a.zarr", channel_axis=2)


def test_hdf5_that_claims_a_million_million_pixels(tmp_path, spare):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("data", (10**6, 10**6, 9), "u2", chunks=(4, 4, 9), compression="gzip")
        data[:4, :4] = 1
    with pytest.raises(ReadError, match="which cannot be"):
        read(tmp_path / "a.h5", channel_axis=2)


def test_hdf5_of_one_large_chunk(tmp_path, spare, monkeypatch):
    monkeypatch.setattr(limits, "UNPACKED", 2**22)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=np.zeros((64, 64, 1024), "u2"), chunks=(64, 64, 1024), compression="gzip")
    with pytest.raises(ReadError, match="a chunk of it is a bomb"):
        read(tmp_path / "a.h5", dataset="data")


def test_hdf5_of_nested_groups(tmp_path, spare):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("g")
        group["data"] = np.ones((3, 4, 5))
    with pytest.raises(ReadError, match="groups in groups"):
        read(tmp_path / "a.h5")


def test_hdf5_with_links_in_circles_is_walked_once(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b/data"] = np.ones((3, 4, 5))
        file["a/b/up"], file["again"] = file["a"], file["a/b/data"]
    assert open_cube(tmp_path / "a.h5").sizes["channel"] == 5


@pytest.mark.parametrize("body", ["wavelength" + " " * 100_000, "a = {" + "1, " * 300_000 + "}", "\n" * 300_000, "=" * 300_000,
                                  "{" * 300_000, "x = {\n" * 60_000])  # fmt: skip
def test_headers_of_envi_are_read_in_one_pass(tmp_path, spare, body):
    (tmp_path / "a.img").write_bytes(bytes(range(60)))
    head = "ENVI\nsamples = 3\nlines = 4\nbands = 5\ndata type = 1\ninterleave = bip\n"
    (tmp_path / "a.hdr").write_text(f"{head}{body}\n")
    if "{" in body and "}" not in body and "=" in body:
        with pytest.raises(ReadError, match="never closed"):
            open_cube(tmp_path / "a.hdr")
        return
    assert open_cube(tmp_path / "a.hdr", channel="index", no_data="none").sizes["channel"] == 5


@pytest.mark.parametrize("axes", [10**3, 2**31 - 1])
def test_fits_of_many_axes(tmp_path, spare, axes):
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", f"NAXIS   = {axes:20d}", "END"]
    (tmp_path / "a.fits").write_bytes("".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes(2880))
    with pytest.raises(ReadError, match=f"claims {axes} axes"):
        read(tmp_path / "a.fits")


def test_fits_in_gzip(tmp_path, spare):
    cards = ["SIMPLE  =                    T", "BITPIX  =                   32", "NAXIS   =                    3",
             *(f"NAXIS{n}  = {512:20d}" for n in (1, 2, 3)), "END"]  # fmt: skip
    head = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    (tmp_path / "a.fits.gz").write_bytes(compressor.compress(head) + packed(512, compressor))
    with pytest.raises(ReadError, match="an image in it is a bomb"):
        read(tmp_path / "a.fits.gz")


LAUGHS = '<!DOCTYPE a [<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9)
) + "]>"  # fmt: skip


@pytest.mark.parametrize("entity", [LAUGHS, '<!DOCTYPE a [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>'])
@pytest.mark.parametrize("suffix", ["mzML", "imzML"])
def test_entities_of_xml(tmp_path, spare, suffix, entity):
    (tmp_path / "a.ibd").write_bytes(bytes(99))
    (tmp_path / f"a.{suffix}").write_text(
        f'<?xml version="1.0"?>{entity}<{suffix} xmlns="http://psi.hupo.org/ms/mzml"><run id="&a9;">&a9;</run></{suffix}>'
    )
    with pytest.raises(ReadError) as told:
        read(tmp_path / f"a.{suffix}")
    assert "root:" not in str(told.value)


def test_a_picture_as_mask_of_another_size_is_not_unpacked(tmp_path, spare):
    from PIL import Image

    Image.new("1", (12_000, 12_000)).save(tmp_path / "a.png")
    with pytest.raises(ParameterError, match="12000 x 12000, the image has 3 x 4"):
        open_cube(np.ones((3, 4, 5), "u2"), mask=str(tmp_path / "a.png"))


def test_polygons_of_many_points(tmp_path, monkeypatch):
    monkeypatch.setattr(polygons, "MOST_BYTES", 1000)
    ring = [[n % 3, n % 2] for n in range(1000)]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    with pytest.raises(ReadError, match="Try to simplify them"):
        open_cube(np.ones((3, 4, 5), "u2"), mask=str(tmp_path / "a.geojson"))


@pytest.mark.parametrize("name", ["a.geojson", "zarr.json", ".zarray"])
def test_json_that_is_deep(tmp_path, spare, name):
    deep = "[" * 200_000
    if name == "a.geojson":
        (tmp_path / name).write_text(deep)
        with pytest.raises(SpaxelError):
            open_cube(np.ones((3, 4, 5), "u2"), mask=str(tmp_path / name))
        return
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / name).write_text('{"a": ' + deep)
    with pytest.raises(SpaxelError):
        read(tmp_path / "a.zarr")


def shard(path, codec, first=False, inner=(4, 4, 4)):
    """A Zarr array in one shard of (8, 8, 4) ones, and the file of the shard."""
    options = {"compressors": codec, "filters": None, "chunks": inner}
    shards = {"shape": (8, 8, 4), "index_location": "start" if first else "end"}
    zarr.create_array(str(path), shape=(8, 8, 4), dtype="u2", shards=shards, **options)[:] = 1
    return next(p for p in path.rglob("*") if p.is_file() and p.name != "zarr.json")


def sealed(index):
    """The index of a shard, (chunk, (start, length)), with its checksum."""
    import google_crc32c

    content = np.asarray(index, "<u8").tobytes()
    return content + google_crc32c.value(content).to_bytes(4, "little")


@pytest.mark.parametrize("name", ["gzip", "zstd", "blosc", "unsized"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_a_chunk_in_a_shard_unpacks_to_more_than_its_array_says(tmp_path, spare, name, first, whole):
    codec = {"gzip": zarr.codecs.GzipCodec(), "blosc": zarr.codecs.BloscCodec()}.get(name, zarr.codecs.ZstdCodec())
    file = shard(tmp_path / "a.zarr", codec, first)
    side = slice(None) if whole else slice(4)
    assert (zarrays.open_node(tmp_path / "a.zarr")[side, side] == 1).all()
    bomb = bomb_of(name)
    at = 16 * 4 + 4 if first else 0
    index = sealed([[at, len(bomb)]] * 4)
    file.write_bytes(index + bomb if first else bomb + index)
    with pytest.raises(ReadError, match="unpacks to more than the 128 bytes of a chunk"):
        zarrays.open_node(tmp_path / "a.zarr")[side, side]


def bomb_of(name, size=600):
    """`size` MiB of zeros, packed as a codec of Zarr packs them; unsized: of zstd, in blocks, of which nothing says the sum."""
    import numcodecs

    if name == "gzip":
        plain = zlib.compressobj(9, zlib.DEFLATED, -15)
        return gzip.compress(b"")[:10] + (plain.compress(ZEROS) + plain.flush(zlib.Z_FULL_FLUSH)) * size
    if name == "unsized":
        head = (2**17 << 3 | 1 << 1).to_bytes(3, "little")  # a block of one byte, 2**17 times
        return b"\x28\xb5\x2f\xfd\x00\x78" + (head + b"\0") * (8 * size) + b"\x01\0\0"
    codec = numcodecs.Zstd() if name == "zstd" else numcodecs.Blosc()
    return bytes(codec.encode(np.zeros(64 * MIB, "u1")))


def test_frames_of_zstd_that_say_no_size_are_counted_by_their_blocks():
    import numcodecs

    bomb = bomb_of("unsized", 1)
    assert len(numcodecs.Zstd().decode(bomb)) == chunk_room._said(bomb, "zstd") == MIB
    assert chunk_room._said(bomb_of("unsized"), "zstd", 10 * MIB) < 11 * MIB
    skipped = b"\x50\x2a\x4d\x18" + (9).to_bytes(4, "little") + bytes(9)
    assert chunk_room._said(skipped + bomb, "zstd") == MIB
    assert chunk_room._said(bytes(99), "zstd") == 0


def test_shards_of_shards_and_of_too_many_chunks(tmp_path, spare):
    file = shard(tmp_path / "a.zarr", zarr.codecs.GzipCodec())
    about = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())
    inner = about["codecs"][0]
    bomb = bomb_of("gzip")
    index = sealed([[0, len(bomb)]] * 4)
    outer = {**inner["configuration"], "chunk_shape": [8, 8, 4], "codecs": [inner]}
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps(about | {"codecs": [inner | {"configuration": outer}]}))
    one = bomb + index
    file.write_bytes(one + sealed([[0, len(one)]]))
    with pytest.raises(ReadError, match="unpacks to more than the 128 bytes"):
        read(tmp_path / "a.zarr", channel_axis=2)
    about["shape"] = about["chunk_grid"]["configuration"]["chunk_shape"] = [4096, 4096, 4]
    inner["configuration"]["chunk_shape"] = [1, 1, 1]
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(ReadError, match="a shard of 67,108,864 chunks, which is not believed"):
        read(tmp_path / "a.zarr", channel_axis=2)


def test_a_shard_that_is_cut(tmp_path):
    file = shard(tmp_path / "a.zarr", None)
    content = file.read_bytes()
    for cut, words in ((content[-30:], "the index of this shard alone 68"), (content[-90:], "a chunk in it ends at")):
        file.write_bytes(cut)
        with pytest.raises(ReadError, match=words):
            read(tmp_path / "a.zarr", channel_axis=2)


@pytest.mark.parametrize("version", [2, 3])
def test_chunks_that_are_packed_twice(tmp_path, version):
    import numcodecs

    options = {"compressors": numcodecs.GZip(), "filters": [numcodecs.Zlib()]}
    if version == 3:
        options = {"compressors": [zarr.codecs.GzipCodec(), zarr.codecs.ZstdCodec()]}
    zarr.create_array(str(tmp_path / "a.zarr"), data=np.ones((8, 8, 4)), zarr_format=version, **options)
    with pytest.raises(ReadError, match=r"a\.zarr.*is packed 2 times"):
        read(tmp_path / "a.zarr", channel_axis=2)


def tiff(path, *, strips=1, height=8, place=200, data=b"", large=False):
    """A TIFF of one image 8 wide, that claims so many strips."""
    tags = [(256, 4, 1, 8), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, strips, place),
            (277, 3, 1, 1), (278, 4, 1, height), (279, 4, strips, len(data) if strips == 1 else place)]  # fmt: skip
    form = ("<QHHQ8xQ", "<Q", "<HHQQ") if large else ("<HHI", "<H", "<HHII")
    head = b"II+\0\x08\0\0\0\x10" + bytes(7) if large else b"II*\0\x08\0\0\0"
    table = struct.pack(form[1], len(tags)) + b"".join(struct.pack(form[2], *tag) for tag in tags) + bytes(8)
    path.write_bytes((head + table).ljust(400, b"\0") + data)


@pytest.mark.parametrize("strips", [2**31 - 1, 2**27])
@pytest.mark.parametrize("large", [False, True])
def test_tiff_of_many_strips(tmp_path, spare, strips, large):
    tiff(tmp_path / "a.tif", strips=strips, large=large)
    os.truncate(tmp_path / "a.tif", 2**34)  # holes, so that the file is as large as it says
    with pytest.raises(ReadError, match=rf"claims that an image in it has {strips:,} strips"):
        read(tmp_path / "a.tif")


def test_tiff_that_does_not_say_where_its_image_lies(tmp_path):
    tiff(tmp_path / "a.tif", strips=8, place=10**6)
    with pytest.raises(ReadError, match="does not say where its image lies"):
        read(tmp_path / "a.tif")


def test_tiff_of_one_strip_that_unpacks_to_gigabytes(tmp_path, spare):
    tiff(tmp_path / "a.tif", height=60_000_000, place=400, data=packed(1, zlib.compressobj(9)))
    with pytest.raises(ReadError, match="a strip of it is a bomb: it unpacks from"):
        read(tmp_path / "a.tif")


def test_tiff_of_many_tables_without_an_image(tmp_path, spare):
    table = struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, 8)
    size = len(table) + 4
    with packing():
        chain = b"".join(table + struct.pack("<I", 8 + (n + 1) * size) for n in range(200_000))
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0" + chain)
    with pytest.raises(ReadError, match="more than 1000 tables without an image"):
        read(tmp_path / "a.tif")


def test_text_of_many_rows_is_read_once_line_by_line(tmp_path, spare):
    rows = 150_000
    with packing(), (tmp_path / "a.csv").open("w") as file:
        file.write("name,400,500,600\n")
        file.writelines(f"s{n},{n % 7},,3\n" for n in range(rows))
    cube = open_cube(tmp_path / "a.csv", units="nm")
    assert cube.sizes == {"y": rows, "x": 1, "channel": 3}
    assert cube["sample"].values[-1] == f"s{rows - 1}"
    assert np.isnan(cube["spectra"].values[:, 0, 1]).all()


def test_bzip2_of_an_instrument(tmp_path, spare, monkeypatch):
    pytest.importorskip("rsciio")
    monkeypatch.setattr(limits, "UNPACKED", 2**25)
    (tmp_path / "a.elid").write_bytes(packed(60, bz2.BZ2Compressor()))
    with pytest.raises(ReadError, match="is a bomb"):
        read(tmp_path / "a.elid")


@pytest.mark.parametrize("entity", [LAUGHS, '<!DOCTYPE a [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>', ""])
@pytest.mark.parametrize("suffix", ["bcf", "xml", "spx", "tvf", "ome.tif"])
def test_xml_of_instruments(tmp_path, spare, suffix, entity):
    pytest.importorskip("rsciio")
    root = {"bcf": "TRTSpectrum", "xml": "LSX_Data", "spx": "TRTSpectrum", "tvf": "XmlMain"}.get(suffix, "OME")
    inside = "&a9;" if entity else "<a>" * 30_000 + "</a>" * 30_000
    text = f'<?xml version="1.0"?>{entity}<{root} xmlns="{OME if root == "OME" else "a"}">{inside}</{root}>'
    path = tmp_path / f"a.{suffix}"
    if root == "OME":
        tifffile.imwrite(path, np.ones((3, 8, 8), "u1"), description=text, metadata=None)
        assert read(path, channel_axis=0).shape == (8, 8, 3)
        return
    path.write_bytes(container(text.encode()) if suffix == "bcf" else text.encode())
    with pytest.raises(ReadError) as told:
        read(path)
    assert "root:" not in str(told.value)
    assert len(str(told.value)) < 600


OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def container(header, parents=(-1, 0, 0)):
    """A Bruker container of one folder with two files, of which one holds this header."""
    chunk = len(header) + 4096
    names = ("EDSDatabase", "HeaderData", "SpectrumData0")
    items = b"".join(
        struct.pack("<iQQQQIi176s?3s256s32s", 1 + n, 0 if not n else len(header), 0, 0, 0, 0, parent, b"", not n, b"",
                    name.encode(), b"") for n, (name, parent) in enumerate(zip(names, parents, strict=True))
    )  # fmt: skip
    pieces = [items, struct.pack("<I", 3), struct.pack("<I", 3), header]
    head = b"AAMVHFSS".ljust(0x124, b"\0") + struct.pack("<fI", 2.6, chunk)
    head = head.ljust(0x118, b"\0") + b""
    whole = bytearray(0x118 + chunk * len(pieces))
    whole[: len(head)] = head
    for n, piece in enumerate(pieces):
        whole[0x138 + n * chunk : 0x138 + n * chunk + len(piece)] = piece
    whole[0x140:0x14C] = struct.pack("<III", 4, 3, len(pieces))
    return bytes(whole) + bytes(0x20) + items.ljust(chunk, b"\0")


def test_folders_of_a_bruker_container_that_lie_in_each_other(tmp_path, spare):
    pytest.importorskip("rsciio")
    for parents, words in (((1, 0, 0), "lie in each other"), ((-1, 7, 0), "lies in no folder")):
        (tmp_path / "a.bcf").write_bytes(container(b"<a/>", parents))
        with pytest.raises(ReadError, match=words):
            read(tmp_path / "a.bcf")


def test_an_index_that_comes_first_is_no_chunk(tmp_path):
    codec = zarr.codecs.BloscCodec()
    shard(tmp_path / "a.zarr", codec, first=True)
    array = zarr.open_array(tmp_path / "a.zarr", mode="r+")
    array[:4] = 0  # so that its first chunks are not stored, and the index begins with the largest number
    node = zarrays.open_node(tmp_path / "a.zarr")
    assert (node[4:, :4] == 1).all()
    assert (node[:4, :4] == 0).all()
