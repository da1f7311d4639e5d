"""Small files of spectrometers, written here by the description of each format: right values, promises, 300 mutants of each."""

import base64
import struct
import zlib
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import GuessWarning, NotFound, ParameterError, ReadError, SpaxelError
from spaxel.readers import readers
from spaxel.readers.parts.squeezed import unsqueezed
from spaxel.testing import check_reader

N, C = 4, 25
AXIS = np.linspace(4000.0, 400.0, C)
SPECTRA = np.random.default_rng(0).random((N, C)).astype("f4").astype(float)
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def fixed(text, n):
    return text.encode("latin-1").ljust(n, b"\0")


def spc_head(flags, points, first, last, n, *, exponent=-128, x=1, version=0x4B, order="<", planes=0):
    head = struct.pack(order + "BBBbiddiBBBB", flags, version, 0, exponent, points, first, last, n, x, 2, 5, 0)
    head = head.ljust(88, b"\0") + fixed("a polymer", 130)
    return (head.ljust(316, b"\0") + struct.pack(order + "i", planes)).ljust(512, b"\0")


def spc_sub(i, points=0, exponent=-128, order="<"):
    return struct.pack(order + "BbHfffiif4s", 0, exponent, i, i * 0.5, 0, 0, points, 0, 0, b"")


def write_spc(path, *, listed=False, integers=0, order="<", planes=0):
    flags = (4 if N > 1 else 0) | (0x80 if listed else 0) | (1 if integers == 16 else 0)
    version = 0x4B if order == "<" else 0x4C
    parts = [spc_head(flags, C, AXIS[0], AXIS[-1], N, version=version, order=order, planes=planes)]
    if listed:
        parts.append(AXIS.astype(order + "f4").tobytes())
    for i, spectrum in enumerate(SPECTRA):
        parts.append(spc_sub(i, exponent=2 if integers else -128, order=order))
        stored = np.round(spectrum * 2.0 ** (integers - 2)) if integers else spectrum
        parts.append(stored.astype(order + (f"i{integers // 8}" if integers else "f4")).tobytes())
    path.write_bytes(b"".join(parts))


def write_spc_masses(path):
    """Each spectrum has masses of its own, as GC-MS has."""
    parts = [spc_head(0x4 | 0x40 | 0x80, 0, 10, 20, N, x=9)]
    for i in range(N):
        masses = np.array([10.1, 11.9, 12.2, 15.0 + i], "<f4")
        parts += [spc_sub(i, 4), masses.tobytes(), np.array([1, 2, 3, 4.0 + i], "<f4").tobytes()]
    path.write_bytes(b"".join(parts))


def write_omnic(path):
    entries, body, at = [], b"", 304 + 16 * (3 * N + 1)
    for i, spectrum in enumerate(SPECTRA):
        head = struct.pack("<4xiB3xB3xff", C, 1, 17, AXIS[0], AXIS[-1]).ljust(152, b"\0")
        for key, part in ((2, head), (3, spectrum.astype("<f4").tobytes()), (107, fixed(f"film {i}", 256))):
            entries.append(struct.pack("<Bxii6x", key, at + len(body), len(part)))
            body += part
    head = fixed("Spectral Exte File", 30) + fixed("all films", 256)
    head = head.ljust(294, b"\0") + struct.pack("<H", len(entries)) + b"\0" * 8
    path.write_bytes(head + b"".join(entries) + b"\0" * 16 + body)


def write_asd(path, *, white=True):
    head = bytearray(484)
    head[:3] = b"ASD"
    head[3:160] = fixed("oak leaf", 157)
    head[186] = 1
    struct.pack_into("<ff", head, 191, 350.0, 1.0)
    head[199] = 2
    struct.pack_into("<H", head, 204, C)
    reference = struct.pack("<hddh", 1, 0, 0, 4) + b"spec" + (np.full(C, 2.0)).tobytes()
    path.write_bytes(bytes(head) + (SPECTRA[0] * (2 if white else 1)).tobytes() + (reference if white else b"\0" * 30))


def write_fsm(path):
    axis = struct.pack("<h", 5) + b"Image" + struct.pack("<10d", 6.25, 25.0, -150.0, 4000.0, 400.0, 0, 0, 10, 20, 4000)
    texts = [b"Y - micrometers", b"X - micrometers", b"cm-1", b"A"]
    axis += struct.pack("<3i", 2, 2, C) + b"".join(struct.pack("<h", len(t)) + t for t in texts)
    blocks = [(5100, axis), (5104, b"\0" * 10), *((5105, s.astype("<f4").tobytes()) for s in SPECTRA)]
    content = b"".join(struct.pack("<Hi", number, len(part)) + part for number, part in blocks)
    path.write_bytes(b"PEPE" + fixed("DataSet - 4DConst3DInterval", 40) + content)


def opus_parameters(values):
    parts = b""
    for name, value in values.items():
        kind = 0 if isinstance(value, int) else 1 if isinstance(value, float) else 2
        data = struct.pack("<i", value) if kind == 0 else struct.pack("<d", value) if kind == 1 else fixed(value, 16)
        parts += name.encode() + b"\0" + struct.pack("<hH", kind, len(data) // 2) + data
    parts += b"END\0" + b"\0" * 4
    return parts + b"\0" * (-len(parts) % 4)


def write_opus(path, *, series=False):
    said = opus_parameters({"DPF": 1, "NPT": C, "FXV": AXIS[0], "LXV": AXIS[-1], "CSF": 2.0, "DXU": "WN"})
    source, form = (3 << 2, 2 << 19 if series else 0)
    kind = 4 << 10
    data = (SPECTRA[0] / 2).astype("<f4").tobytes()
    if series:
        data = struct.pack("<6i", 0, N, 32, 4 * C, 8, 1) + struct.pack("<2i", 0, N - 1)
        data += b"".join((s / 2).astype("<f4").tobytes() + b"\0" * 8 for s in SPECTRA)
    blocks = [(source | kind | form, data), (source | 1 << 4 | kind | form, said),
              (10 << 4 | 1 << 2, opus_parameters({"SNM": "polystyrene"})),
              (1 << 2 | 1 << 10, SPECTRA[1].astype("<f4").tobytes()), (1 << 2 | 1 << 4 | 1 << 10, said)]  # fmt: skip
    at, entries, body = 24 + 12 * 8, b"", b""
    for type_, part in blocks:
        entries += struct.pack("<3i", type_, len(part) // 4, at + len(body))
        body += part
    head = b"\n\n\xfe\xfe" + struct.pack("<d3i", 920622.0, 24, 8, len(blocks))
    path.write_bytes(head + entries.ljust(12 * 8, b"\0") + body)


def jcamp_block(spectrum, title="a film", units="1/CM"):
    # integers of a factor, as the standard asks for
    numbers = np.round(spectrum * 1e6).astype(int)
    lines = [f"##TITLE={title}", "##JCAMP-DX=4.24", "##DATA TYPE=INFRARED SPECTRUM", f"##XUNITS={units}", "##YUNITS=ABSORBANCE",
             "##XFACTOR=1", "##YFACTOR=1E-6", f"##FIRSTX={AXIS[0]}", f"##LASTX={AXIS[-1]}", f"##NPOINTS={C}",
             f"##DELTAX={AXIS[1] - AXIS[0]}", "##XYDATA=(X++(Y..Y))"]  # fmt: skip
    for i in range(0, C, 5):
        lines.append(f"{AXIS[i]:g} " + " ".join(map(str, numbers[i : i + 5])))
    return "\n".join([*lines, "##END="]) + "\n"


def write_jcamp(path, *, link=False):
    if not link:
        path.write_text(jcamp_block(SPECTRA[0]))
        return
    blocks = "".join(jcamp_block(s, f"film {i}") for i, s in enumerate(SPECTRA))
    path.write_text(f"##TITLE=films\n##JCAMP-DX=4.24\n##DATA TYPE=LINK\n##BLOCKS={N + 1}\n{blocks}##END=\n")


MASSES = np.array([50.2, 51.0, 51.4, 60.9])
PEAKS = np.arange(1.0, 1 + N * 4).reshape(N, 4)


def write_andi(path):
    from scipy.io import netcdf_file

    with netcdf_file(str(path), "w") as file:
        file.createDimension("scan_number", N)
        file.createDimension("point_number", N * 4)
        columns = {"scan_acquisition_time": ("d", "scan_number", 60.0 * np.arange(N)),
                   "scan_index": ("i", "scan_number", 4 * np.arange(N)),
                   "mass_values": ("f", "point_number", np.tile(MASSES, N)),
                   "intensity_values": ("f", "point_number", PEAKS.ravel() / 2)}  # fmt: skip
        for name, (kind, dim, values) in columns.items():
            variable = file.createVariable(name, kind, (dim,))
            variable[:] = values
        file.variables["intensity_values"].scale_factor = 2.0


def write_mzml(path):
    def array(values, name, accession):
        data = base64.b64encode(zlib.compress(np.asarray(values, "<f8").tobytes())).decode()
        return (
            f'<binaryDataArray encodedLength="{len(data)}"><cvParam cvRef="MS" accession="MS:1000523" name="64-bit float"/>'
            f'<cvParam cvRef="MS" accession="MS:1000574" name="zlib compression"/><cvParam cvRef="MS" accession="{accession}" '
            f'name="{name}"/><binary>{data}</binary></binaryDataArray>'
        )

    scans = ""
    for i in range(N + 1):  # the last is of level 2
        level = 2 if i == N else 1
        scans += (
            f'<spectrum index="{i}" id="scan={i}" defaultArrayLength="4"><cvParam cvRef="MS" accession="MS:1000511" '
            f'name="ms level" value="{level}"/><scanList count="1"><scan><cvParam cvRef="MS" accession="MS:1000016" '
            f'name="scan start time" value="{i}" unitCvRef="UO" unitAccession="UO:0000031" unitName="minute"/></scan>'
            f'</scanList><binaryDataArrayList count="2">{array(MASSES, "m/z array", "MS:1000514")}'
            f"{array(PEAKS[i % N], 'intensity array', 'MS:1000515')}</binaryDataArrayList></spectrum>"
        )
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><run id="r">'
        f'<spectrumList count="{N + 1}">{scans}</spectrumList></run></mzML>\n'
    )


def write_imzml(path, *, processed=False):
    writer = pytest.importorskip("pyimzml.ImzMLWriter")
    mode = "processed" if processed else "continuous"
    with writer.ImzMLWriter(str(path), mode=mode, mz_dtype=np.float64, intensity_dtype=np.float32) as file:
        for i, (x, y) in enumerate([(1, 1), (2, 1), (3, 1), (1, 2)]):
            file.addSpectrum(MASSES + 0.01 * i * processed, PEAKS[i], (x, y, 1))


FILES = {
    "spc": ("a.spc", write_spc),
    "spc listed": ("a.spc", partial(write_spc, listed=True)),
    "spc masses": ("a.spc", write_spc_masses),
    "omnic": ("a.spg", write_omnic),
    "asd": ("a.asd", write_asd),
    "perkin": ("a.fsm", write_fsm),
    "opus": ("a.0", write_opus),
    "opus series": ("a.0", partial(write_opus, series=True)),
    "jcamp": ("a.jdx", write_jcamp),
    "jcamp link": ("a.dx", partial(write_jcamp, link=True)),
    "andi": ("a.cdf", write_andi),
    "mzml": ("a.mzML", write_mzml),
    "imzml": ("a.imzML", write_imzml),
    "imzml processed": ("a.imzML", partial(write_imzml, processed=True)),
}


@pytest.fixture
def written(tmp_path):
    def write(kind):
        name, function = FILES[kind]
        function(tmp_path / name)
        return tmp_path / name

    return write


@quiet
@pytest.mark.parametrize("kind", FILES)
def test_promises(written, kind):
    path = written(kind)
    cube = open_cube(path)
    check_reader(readers()[cube.attrs["reader"]], path)
    assert cube.attrs["reader"] in (kind.split()[0], "chromatogram")


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [({}, 0), ({"listed": True}, 0), ({"integers": 32}, 1e-8), ({"integers": 16}, 1e-4), ({"order": ">"}, 0)],
)
def test_spc(tmp_path, options, tolerance):
    write_spc(tmp_path / "a.spc", **options)
    cube = open_cube(tmp_path / "a.spc")
    np.testing.assert_allclose(cube["spectra"].values[:, 0, ::-1], SPECTRA, atol=tolerance)
    np.testing.assert_allclose(cube["channel"].values[::-1], AXIS, rtol=1e-6)
    assert cube["channel"].attrs["units"] == "1/cm"
    assert cube["sample"].values.tolist() == ["0 min", "0.5 min", "1 min", "1.5 min"]
    assert cube["spectra"].attrs["long_name"] == "absorbance"


def test_spc_with_planes_is_an_image(tmp_path):
    write_spc(tmp_path / "a.spc", planes=2)
    assert open_cube(tmp_path / "a.spc")["spectra"].shape == (2, 2, C)


def test_spc_of_masses(written):
    with pytest.warns(GuessWarning, match=r"summed them in bins of 1 m/z. Option bin"):
        cube = open_cube(written("spc masses"))
    assert cube["channel"].values.tolist() == list(range(10, 19))
    assert cube["channel"].attrs["units"] == "m/z"
    assert cube["spectra"].values[:, 0, 2].tolist() == [5, 5, 5, 5]  # 11.9 and 12.2
    assert [cube["spectra"].values[i, 0, 5 + i] for i in range(N)] == [4, 5, 6, 7]


def test_an_old_version_is_said(tmp_path):
    (tmp_path / "a.spc").write_bytes(b"\0\x4d" + bytes(600))
    with pytest.raises(ReadError, match="old SPC version"):
        open_cube(tmp_path / "a.spc", reader="spc")


@pytest.mark.parametrize(
    ("kind", "names"), [("omnic", [f"film {i}" for i in range(N)]), ("jcamp link", [f"film {i}" for i in range(N)])]
)
def test_groups_of_infrared_spectra(written, kind, names):
    cube = open_cube(written(kind))
    np.testing.assert_allclose(cube["spectra"].values[:, 0, ::-1], SPECTRA, atol=1e-6)
    np.testing.assert_allclose(cube["channel"].values[::-1], AXIS, rtol=1e-6)
    assert cube["channel"].attrs["units"] == "1/cm"
    assert cube["sample"].values.tolist() == names
    assert cube["spectra"].attrs["long_name"] == "absorbance"


def test_single_infrared_spectra(written):
    for kind, name in (("jcamp", "a film"), ("opus", "polystyrene")):
        cube = open_cube(written(kind))
        np.testing.assert_allclose(cube["spectra"].values[0, 0, ::-1], SPECTRA[0], atol=1e-6)
        assert cube["sample"].values.tolist() == [name]
        assert cube["channel"].attrs["units"] == "1/cm"


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        (["1 10 11 12", "4 13+14-15"], [10, 11, 12, 13, 14, -15]),
        (["1A0A1A2", "4A3A4a5"], [10, 11, 12, 13, 14, -15]),
        (["1A0JJT", "4A3JJ"], [10, 11, 12, 13, 14, 15]),
        (["1A0%U", "5A0jjj"], [10, 10, 10, 10, 9, 8, 7]),
        (["1 1.5E+02 ?"], [150, np.nan]),
    ],
)  # fmt: skip
def test_squeezed_numbers(tmp_path, lines, values):
    np.testing.assert_array_equal(unsqueezed(tmp_path / "a.dx", lines), values)
    text = jcamp_block(SPECTRA[0]).split("##XYDATA")[0].replace("YFACTOR=1E-6", "YFACTOR=2")
    text = text.replace(f"NPOINTS={C}", f"NPOINTS={len(values)}")
    (tmp_path / "a.dx").write_text(text + "##XYDATA=(X++(Y..Y))\n" + "\n".join(lines) + "\n##END=\n")
    np.testing.assert_array_equal(open_cube(tmp_path / "a.dx")["spectra"].values[0, 0, ::-1], 2.0 * np.array(values))


def test_squeezed_numbers_that_do_not_agree(tmp_path):
    for lines in (["1A0JJ", "4A9JJ"], ["1 12 x"], ["1A0S999999999999"]):
        with pytest.raises(ReadError, match=r"check fails|no number|repeated"):
            unsqueezed(tmp_path / "a.dx", lines)


def test_opus_choice_and_series(written, tmp_path):
    path = written("opus")
    assert any("took a (option dataset decides)" in line for line in open_cube(path).attrs["history"])
    other = open_cube(path, dataset="sm")
    np.testing.assert_allclose(other["spectra"].values[0, 0, ::-1], 2 * SPECTRA[1], rtol=1e-6)
    with pytest.raises(NotFound, match="It holds: a, sm"):
        open_cube(path, dataset="rf")
    series = open_cube(written("opus series"))
    np.testing.assert_allclose(series["spectra"].values[:, 0, ::-1], SPECTRA, rtol=1e-6)


def test_asd(written, tmp_path):
    cube = open_cube(written("asd"))
    np.testing.assert_allclose(cube["spectra"].values[0, 0], SPECTRA[0])
    assert cube["channel"].values.tolist() == [350.0 + k for k in range(C)]
    assert cube["sample"].values.tolist() == ["oak leaf"]
    assert any("white reference" in line for line in cube.attrs["history"])
    write_asd(tmp_path / "b.asd", white=False)
    np.testing.assert_allclose(open_cube(tmp_path / "b.asd")["spectra"].values[0, 0], SPECTRA[0])


def test_perkin(written):
    cube = open_cube(written("perkin"))
    assert cube["spectra"].chunks is not None
    np.testing.assert_array_equal(cube["spectra"].values[..., ::-1], SPECTRA.reshape(2, 2, C))
    np.testing.assert_allclose(cube["channel"].values[::-1], AXIS)
    assert cube.attrs["pixel_size"] == [25.0, 6.25]
    assert cube.attrs["pixel_units"] == "um"


@pytest.mark.parametrize("kind", ["andi", "mzml"])
def test_chromatograms(written, kind):
    path = written(kind)
    with pytest.warns(GuessWarning, match="bins of 1 m/z. Option bin decides"):
        cube = open_cube(path)
    assert cube["channel"].values.tolist() == list(range(50, 62))
    np.testing.assert_allclose(
        cube["spectra"].values[:, 0, [0, 1, 11]], np.stack([PEAKS[:, 0], PEAKS[:, 1] + PEAKS[:, 2], PEAKS[:, 3]], 1)
    )
    assert cube["sample"].values.tolist() == ["0.0000 min", "1.0000 min", "2.0000 min", "3.0000 min"]
    with pytest.warns(GuessWarning, match=r"bins of 0.1 m/z"):
        assert open_cube(path, bin=0.1).sizes["channel"] == 108
    with pytest.raises(ParameterError, match="no width"):
        open_cube(path, bin=-1)


def test_imzml(written, tmp_path):
    path = written("imzml")
    cube = open_cube(path)
    assert cube["spectra"].chunks is not None
    assert cube["spectra"].shape == (2, 3, 4)
    np.testing.assert_allclose(cube["channel"], MASSES)
    np.testing.assert_array_equal(cube["spectra"].values[0], PEAKS[:3])
    np.testing.assert_array_equal(cube["spectra"].values[1, 0], PEAKS[3])
    assert cube["valid"].values.tolist() == [[True] * 3, [True, False, False]]
    (tmp_path / "a.ibd").rename(tmp_path / "b.ibd")
    with pytest.raises(NotFound, match=r"no file a\.ibd beside it"):
        open_cube(path)


def test_imzml_processed(written):
    path = written("imzml processed")
    with pytest.warns(GuessWarning, match=r"bins of 0\.1 m/z\. Option bin"):
        cube = open_cube(path)
    assert cube.attrs["guesses"]
    total = cube["spectra"].where(cube["valid"]).sum("channel").values
    np.testing.assert_allclose(total[0], PEAKS[:3].sum(1))
    with pytest.warns(GuessWarning, match=r"bins of 1 m/z"):
        coarse = open_cube(path, bin=1)
    assert coarse["spectra"].values[0, 0].tolist() == [1, 5, *[0] * 9, 4]


@quiet
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", FILES)
def test_truncated(written, kind, share):
    path = written(kind)
    numbers = path.with_suffix(".ibd") if kind.startswith("imzml") else path
    whole = numbers.read_bytes()
    numbers.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SpaxelError):
        open_cube(path)["spectra"].load()


@quiet
@pytest.mark.parametrize("kind", FILES)
def test_damage_never_raises_a_stranger(written, kind, capsys):
    path = written(kind)
    opened = readers()[open_cube(path).attrs["reader"]].name
    targets = [path, path.with_suffix(".ibd")] if kind.startswith("imzml") else [path]
    rng = np.random.default_rng(3)
    for k in range(300):
        target = targets[k % len(targets)]
        whole = target.read_bytes()
        bad = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            bad[rng.integers(len(bad))] = rng.integers(256)
        target.write_bytes(bad)
        with suppress(SpaxelError):
            open_cube(path, reader=opened)["spectra"].load()
        target.write_bytes(whole)
    assert capsys.readouterr().out == ""
