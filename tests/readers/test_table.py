from contextlib import suppress

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import AxisError, GuessWarning, NotFound, ParameterError, ReadError, SpaxelError
from spaxel.readers.table import open_table, reader
from spaxel.testing import check_reader

N, C = 7, 11
AXIS = 850.0 + 2 * np.arange(C)
SPECTRA = (np.arange(N * C).reshape(N, C) ** 2 * 37 % 101 + 1) / 8.0
CELL = f"T3,3.5,{SPECTRA[3, 0]:g}"
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def text(separator=",", decimal=".", names=None, targets=True, unit=""):
    """A table of N spectra: id, target Fat, then the channels."""
    header = ["id", "Fat"] if targets else []
    rows = [header + [name + unit for name in (names or [f"{a:g}" for a in AXIS])]]
    for k, spectrum in enumerate(SPECTRA):
        rows.append(([f"T{k}", str(k + 0.5)] if targets else []) + [f"{v:g}" for v in spectrum])
    return "\n".join(separator.join(cell.replace(".", decimal) for cell in row) for row in rows) + "\n"


def write(folder, content, name="a.csv", encoding="utf-8"):
    (folder / name).write_bytes(content.encode(encoding))
    return folder / name


@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ","), ("\t", "."), ("  ", ",")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_dialect_is_the_same_cube(tmp_path, separator, decimal, encoding, end):
    path = write(
        tmp_path,
        text(separator, decimal, unit="" if separator == "  " else " nm").replace("\n", end),
        encoding=encoding,
    )
    cube = open_cube(path, units="nm")
    np.testing.assert_array_equal(cube["spectra"].values[:, 0], SPECTRA)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    np.testing.assert_array_equal(cube["target_Fat"].values[:, 0], np.arange(N) + 0.5)
    assert cube["sample"].values.tolist() == [f"T{k}" for k in range(N)]
    assert cube.attrs["guesses"] == []


def test_promises(tmp_path):
    check_reader(reader, write(tmp_path, text()))


def test_units_come_from_the_header_or_are_guessed(tmp_path):
    told = write(tmp_path, text(unit=" cm-1"))
    assert open_cube(told)["channel"].attrs["units"] == "1/cm"
    silent = write(tmp_path, text(), "b.csv")
    with pytest.warns(GuessWarning, match="took nm from its range 850 to 870. Option units decides"):
        assert open_cube(silent)["channel"].attrs["units"] == "nm"


@quiet
def test_prefixed_names_are_axis_values(tmp_path):
    cube = open_cube(write(tmp_path, text(names=[f"X{a:g}" for a in AXIS])))
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert "target_Fat" in cube


@pytest.mark.parametrize("head", ["Wavelength (nm)", "wavelength_nm", "Raman shift"])
def test_spectra_in_columns_under_a_named_axis(tmp_path, head):
    lines = [[head, *(f"s{k}" for k in range(N))], *([a, *s] for a, s in zip(AXIS, SPECTRA.T, strict=True))]
    path = write(tmp_path, "\n".join(",".join(map(str, line)) for line in lines))
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"].values[:, 0], SPECTRA)
    assert cube["channel"].attrs["units"] == ("1/cm" if "Raman" in head else "nm")
    assert cube["sample"].values.tolist() == [f"s{k}" for k in range(N)]
    assert cube.attrs["guesses"] == []


@quiet
@pytest.mark.parametrize("turn", [1, -1])
def test_two_columns_are_one_spectrum_by_guess(tmp_path, turn):
    lines = "\n".join(f"{a} {v}" for a, v in zip(AXIS[::turn], SPECTRA[1][::turn], strict=True))
    path = write(tmp_path, "# a comment\n\n" + lines, "a.txt")
    with pytest.warns(GuessWarning, match=r"first column.* Option orientation"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"].values[0, 0], SPECTRA[1])
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert open_cube(path, orientation="rows", header=False).sizes == {"y": C, "x": 1, "channel": 2}


@quiet
def test_numbers_alone(tmp_path):
    body = "\n".join(",".join(map(str, row)) for row in SPECTRA)
    cube = open_cube(write(tmp_path, body))
    np.testing.assert_array_equal(cube["spectra"].values[:, 0], SPECTRA)
    headed = write(tmp_path, ",".join(map(str, AXIS)) + "\n" + body, "b.csv")
    with pytest.warns(GuessWarning, match=r"first row as axis values.* Option header"):
        cube = open_cube(headed)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert open_cube(headed, header=False).sizes["y"] == N + 1
    assert open_cube(headed, header=True).sizes["y"] == N


def test_an_index_column_under_an_empty_header_is_no_channel(tmp_path):
    cube = open_cube(write(tmp_path, ",400 nm,410 nm,420 nm\n0,1,3,2\n1,2,1,4\n"))
    assert cube["channel"].values.tolist() == [400, 410, 420]
    assert cube["sample"].values.tolist() == ["0", "1"]
    plain = open_cube(write(tmp_path, ",400,410,420\n0,1,3,2\n1,2,1,4\n", "b.csv"), units="nm")
    np.testing.assert_array_equal(plain["spectra"], cube["spectra"])


def test_quoted_cells(tmp_path):
    path = write(tmp_path, '"Sample, name","400,5 nm","401,5 nm"\n"a, b","1,5","2"\n')
    with pytest.raises(ReadError, match="option decimal"):
        open_cube(path)
    cube = open_cube(path, decimal=",")
    assert cube["spectra"].values.ravel().tolist() == [1.5, 2]
    assert cube["sample"].values.tolist() == ["a, b"]


@quiet
def test_options_name_columns(tmp_path):
    path = write(tmp_path, text())
    assert open_cube(path, target="850").sizes["channel"] == C - 1
    assert "target_850" in open_cube(path, target=["850", "Fat"])
    assert open_cube(path, id="Fat")["sample"].values[0] == "T0 0.5"
    assert open_cube(path, channel=AXIS + 1)["channel"].values[0] == 851
    assert open_cube(path, channel="index")["channel"].attrs["units"] == "index"
    with pytest.raises(NotFound, match=r"no column 'Protein'\. It has: id, Fat, 850"):
        open_cube(path, target="Protein")
    with pytest.raises(ParameterError, match="Try 'rows' or 'columns'"):
        open_cube(path, orientation="diagonal")
    with pytest.raises(AxisError, match="gives 2 values"):
        open_cube(path, channel=[1, 2])


@quiet
@pytest.mark.parametrize("cell", ["", "NA", "nan"])
def test_a_missing_cell_is_nan(tmp_path, cell):
    path = write(tmp_path, text().replace(CELL, f"T3,3.5,{cell}"))
    values = open_cube(path)["spectra"].values[:, 0]
    assert np.argwhere(np.isnan(values)).tolist() == [[3, 0]]


def test_a_bad_cell_is_named_by_line_and_column(tmp_path):
    with pytest.raises(ReadError, match=r"line 5, column 3 \(850\) holds '[0-9.]+x', which is no number"):
        open_cube(write(tmp_path, text().replace(CELL, CELL + "x")))


def test_a_ragged_row_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"line 5 has 14 cells, the others have 13 \(separator ','\)"):
        open_cube(write(tmp_path, text().replace("T3,", "T3,1,")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n\n", "no table"),
        ("# only\n", "no table"),
        ("id,name\na,b\n", "no column of numbers"),
        ("850,852\n", "no column"),
    ],
)
def test_tables_without_spectra(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(ReadError, match=message):
        open_table(path, header=True) if content else open_cube(path)


@quiet
def test_one_spectrum_and_one_channel(tmp_path):
    one = open_cube(write(tmp_path, "850,852,854\n3,1,2\n"))
    np.testing.assert_array_equal(one["spectra"].values, [[[3, 1, 2]]])
    assert open_cube(write(tmp_path, "id,850\na,1\nb,2\n", "b.csv"))["spectra"].shape == (2, 1, 1)
    assert open_cube(write(tmp_path, "3\n1\n2\n", "c.csv"))["spectra"].shape == (3, 1, 1)


@quiet
def test_content_decides_and_damage_never_raises_a_stranger(tmp_path):
    path = write(tmp_path, text(), "a.img")
    np.testing.assert_array_equal(open_cube(path)["spectra"].values[:, 0], SPECTRA)
    whole, rng = text().encode(), np.random.default_rng(2)
    for _ in range(200):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] = rng.integers(256)
        (tmp_path / "bad.csv").write_bytes(bad)
        with suppress(SpaxelError):
            open_table(tmp_path / "bad.csv")
