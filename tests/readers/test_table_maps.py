"""Text tables whose rows lie on a grid become images; tables with targets never do; the long format; Orange's headers."""

import tracemalloc
from contextlib import suppress

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import GuessWarning, NotFound, ParameterError, ReadError, SpaxelError

H, W, C = 7, 5, 11
AXIS = np.linspace(600.0, 1800, C)
CUBE = np.random.default_rng(1).random((H, W, C)).round(4)
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def places(step=(2.0, 1.5), start=(-10.0, 4.0)):
    """x and y of each pixel, in rows."""
    y, x = np.mgrid[:H, :W]
    return (start[1] + step[1] * x).ravel(), (start[0] + step[0] * y).ravel()


def write(path, header, rows, separator="\t"):
    lines = [*header, *(separator.join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def table(path, x, y, spectra, names=("x", "y"), order=None, separator="\t"):
    """A map with positions before the spectra."""
    rows = np.column_stack([x, y, spectra])[order if order is not None else slice(None)].tolist()
    header = [separator.join([*names, *(f"{a:.6g}" for a in AXIS)])]
    return write(path, header, rows, separator)


@quiet
@pytest.mark.parametrize(
    "names",
    [("x", "y"), ("X (µm)", "Y (µm)"), ("map_x", "map_y"), ("x_um", "y_um"), ("Position X [mm]", "Position Y [mm]"),
     ("col", "row"), ("Column", "Row"), ("longitude", "latitude"), ("stage x", "stage y"), ("", ""), ("pos_x", "pos_y")],
)  # fmt: skip
def test_positions_by_name_or_layout(tmp_path, names):
    x, y = places()
    cube = open_cube(table(tmp_path / "map.txt", x, y, CUBE.reshape(-1, C), names))
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    assert cube.attrs["pixel_size"] == [2.0, 1.5]
    assert cube.attrs["pixel_origin"] == [-10.0, 4.0]
    unit = "µm" if "µ" in names[0] else "um" if "_um" in names[0] else "mm" if "mm" in names[0] else None
    assert cube.attrs.get("pixel_units") == unit
    assert list(cube.data_vars) == ["spectra", "valid"]


@quiet
def test_named_positions_are_no_guess(tmp_path):
    x, y = places()
    cube = open_cube(table(tmp_path / "map.txt", x, y, CUBE.reshape(-1, C)), units="nm")
    assert cube.attrs["guesses"] == []


@quiet
@pytest.mark.parametrize("separator", ["\t", ",", ";", " "])
@pytest.mark.parametrize("order", ["columns", "serpentine", "backwards", "any"])
def test_the_order_of_the_rows_does_not_matter(tmp_path, order, separator):
    x, y = places()
    numbers = np.arange(H * W).reshape(H, W)
    snake = np.where(np.arange(H)[:, None] % 2, numbers[:, ::-1], numbers)
    taken = {"columns": numbers.T, "serpentine": snake, "backwards": numbers[::-1, ::-1],
             "any": np.random.default_rng(0).permutation(H * W)}[order]  # fmt: skip
    path = table(tmp_path / "map.txt", x, y, CUBE.reshape(-1, C), order=np.ravel(taken), separator=separator)
    np.testing.assert_array_equal(open_cube(path)["spectra"], CUBE)


@quiet
@pytest.mark.parametrize("jitter", [0.01, 0.1, 0.25])
def test_gaps_and_jitter(tmp_path, jitter):
    rng = np.random.default_rng(3)
    x, y = places()
    held = np.sort(rng.choice(H * W, 28, replace=False))
    x, y = x + rng.uniform(-1, 1, H * W) * 1.5 * jitter, y + rng.uniform(-1, 1, H * W) * 2 * jitter
    cube = open_cube(table(tmp_path / "map.txt", x[held], y[held], CUBE.reshape(-1, C)[held]))
    image = np.full((H * W, C), np.nan)
    image[held] = CUBE.reshape(-1, C)[held]
    np.testing.assert_array_equal(cube["spectra"], image.reshape(H, W, C))
    np.testing.assert_array_equal(cube["valid"], np.isfinite(image.reshape(H, W, C)[..., 0]))
    assert any("7 of them hold no spectrum" in line for line in cube.attrs["history"])
    np.testing.assert_allclose(cube.attrs["pixel_size"], [2.0, 1.5], rtol=0.1)


@quiet
def test_a_whole_line_that_is_missing_stays_empty(tmp_path):
    x, y = places()
    held = y != -4.0
    cube = open_cube(table(tmp_path / "map.txt", x[held], y[held], CUBE.reshape(-1, C)[held]))
    assert cube["spectra"].shape == (H, W, C)
    assert (~cube["valid"]).values.any(1).tolist() == [False, False, False, True, False, False, False]


@quiet
def test_no_header_and_no_names(tmp_path):
    x, y = places()
    rows = np.column_stack([x, y, CUBE.reshape(-1, C)]).tolist()
    path = write(tmp_path / "map.txt", [], rows)
    with pytest.warns(GuessWarning, match=r"columns 1 and 2 as positions x, y of an image of 7 x 5 .* Option grid"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    behind = write(tmp_path / "b.txt", [], [[*row[2:], *row[:2]] for row in rows])
    np.testing.assert_array_equal(open_cube(behind)["spectra"], CUBE)
    assert open_cube(path, grid=False)["spectra"].shape == (H * W, 1, C + 2)


@quiet
def test_axis_and_units_of_labspec(tmp_path):
    x, y = places()
    rows = np.column_stack([x, y, CUBE.reshape(-1, C)]).tolist()
    head = [
        "#Acq. time (s)=\t1",
        "#AxisType[1]=\tSpectr",
        "#AxisUnit[1]=\tnm",
        "#AxisUnit[2]=\tµm",
        "#AxisUnit[3]=\tµm",
    ]
    axis = "\t\t" + "\t".join(f"{a:g}" for a in AXIS)
    told = open_cube(write(tmp_path / "map.txt", [*head, axis], rows))
    assert told["channel"].attrs["units"] == "nm"
    assert told.attrs["pixel_units"] == "µm"
    with pytest.warns(GuessWarning, match=r"took 1/cm .* Raman microscopes .* Option units"):
        silent = open_cube(write(tmp_path / "b.txt", [axis], rows))
    assert silent["channel"].attrs["units"] == "1/cm"
    assert open_cube(tmp_path / "b.txt", units="nm")["channel"].attrs["units"] == "nm"


@quiet
@pytest.mark.parametrize(
    ("name", "names", "axis", "units"),
    [
        ("a.csv", ("x", "y"), (200, 3200), "1/cm"),
        ("a.csv", ("x", "y"), (300, 1100), "1/cm"),
        ("a.csv", ("x", "y"), (400, 1000), "nm"),
        ("a.csv", ("x", "y"), (900, 1700), "nm"),
        ("a.csv", ("x (µm)", "y (µm)"), (600, 1800), "1/cm"),
        ("a.csv", ("x (µm)", "y (µm)"), (500, 900), "nm"),
        ("raman_cell.csv", ("x", "y"), (600, 1100), "1/cm"),
        ("a.csv", ("Fat", "id"), (350, 2500), "nm"),
        ("a.csv", ("Fat", "id"), (850, 1048), "nm"),
        ("a.csv", ("Fat", "id"), (400, 4000), "1/cm"),
    ],
)
def test_a_raman_shift_is_no_wavelength(tmp_path, name, names, axis, units):
    x, y = places()
    rows = np.column_stack([x, y, CUBE.reshape(-1, C)]).tolist()
    header = ",".join([*names, *(f"{a:g}" for a in np.linspace(*axis, C))])
    path = write(tmp_path / name, [header], rows, ",")
    with pytest.warns(GuessWarning, match=r"Option units decides"):
        assert open_cube(path)["channel"].attrs["units"] == units


def targets(kind):
    """Two columns of concentrations, as experiments have them."""
    rng = np.random.default_rng(5)
    n = H * W
    level = np.arange(6) * 0.5
    if kind == "random":
        return rng.random(n) * 40, rng.random(n) * 9
    if kind == "levels":
        return rng.choice(level, n), rng.choice(level, n)
    if kind == "replicates":
        return np.repeat(level[:5], 7), np.tile(level, 6)[:n]
    return places((1.0, 1.0), (0.0, 0.0))  # every level of one with every level of the other, in order


@quiet
@pytest.mark.parametrize("kind", ["random", "levels", "replicates", "factorial"])
@pytest.mark.parametrize("names", [("glucose", "ethanol"), ("conc A (mg/ml)", "conc B (mg/ml)"), ("Fat", "Protein")])
def test_targets_are_no_positions(tmp_path, kind, names):
    a, b = targets(kind)
    cube = open_cube(table(tmp_path / "t.csv", a, b, CUBE.reshape(-1, C), names))
    assert cube["spectra"].shape == (H * W, 1, C)
    assert len([name for name in cube.data_vars if name.startswith("target_")]) == 2
    assert any("Option grid decides" in line for line in cube.attrs["guesses"]) == (kind == "factorial")


@quiet
def test_columns_of_other_names_are_positions_if_all_else_says_so(tmp_path):
    y, x = np.mgrid[:9, :8]
    spectra = np.random.default_rng(0).random((72, C)).round(4)
    path = table(tmp_path / "a.txt", x.ravel() * 1.0, y.ravel() * 1.0, spectra, ("Horizontal", "Vertical"))
    with pytest.warns(GuessWarning, match=r"'Horizontal' and 'Vertical' as positions x, y of an image of 9 x 8"):
        assert open_cube(path)["spectra"].shape == (9, 8, C)
    dosed = table(tmp_path / "b.txt", x.ravel() * 1.0, y.ravel() * 1.0, spectra, ("dose A", "dose B"))
    with pytest.warns(GuessWarning, match=r"took them as targets, not as positions\. Option grid decides"):
        assert open_cube(dosed)["spectra"].shape == (72, 1, C)
    asked = open_cube(dosed, grid="dose A,dose B")
    np.testing.assert_array_equal(asked["spectra"], spectra.reshape(9, 8, C))


@quiet
def test_the_option_decides(tmp_path, cli):
    x, y = places()
    path = table(tmp_path / "map.txt", x, y, CUBE.reshape(-1, C))
    assert open_cube(path, grid="no")["target_x"].shape == (H * W, 1)
    assert open_cube(path, grid="yes")["spectra"].shape == (H, W, C)
    assert open_cube(path, grid=("y", "x"))["spectra"].shape == (W, H, C)
    for grid in ("x,y,z", "maybe"):
        with pytest.raises(ParameterError, match="Try yes, no, or the names"):
            open_cube(path, grid=grid)
    with pytest.raises(NotFound, match="has no column 'z'"):
        open_cube(path, grid="x,z")
    a, b = targets("random")
    with pytest.raises(ReadError, match="not the positions of a grid"):
        open_cube(table(tmp_path / "t.csv", a, b, CUBE.reshape(-1, C), ("p", "q")), grid="p,q")
    assert "7 x 5" in cli("info", path)[1]
    assert "35 x 1" in cli("info", path, "--grid", "no")[1]
    assert cli("info", path, "--grid", "x,z")[0] == 2


@quiet
def test_positions_that_are_no_grid_stay_a_list(tmp_path):
    rng = np.random.default_rng(0)
    path = table(tmp_path / "a.txt", rng.random(35), rng.random(35), CUBE.reshape(-1, C))
    with pytest.warns(GuessWarning, match="are positions, but not those of a grid; took the spectra as a list"):
        cube = open_cube(path)
    assert {"target_x", "target_y"} <= set(cube.data_vars)


def long_rows(axis, keys=places):
    x, y = keys()
    return [
        [a, b, w, v] for a, b, s in zip(x, y, CUBE.reshape(-1, C), strict=True) for w, v in zip(axis, s, strict=True)
    ]


@quiet
@pytest.mark.parametrize(
    ("header", "turn"),
    [("#X\t\t#Y\t\t#Wave\t\t#Intensity", -1), ("#X\t#Y\t#Wave\t#Intensity", 1), ("x\ty\twavelength (nm)\tcounts", 1),
     ("X (µm)\tY (µm)\tRaman shift (cm-1)\tIntensity (a.u.)", -1), (None, 1)],
)  # fmt: skip
def test_the_long_format(tmp_path, header, turn):
    rows = [[*row[:2], *row[2:]] for row in long_rows(AXIS)]
    blocks = np.array(rows).reshape(H * W, C, 4)[:, ::turn].reshape(-1, 4)
    path = write(tmp_path / "wire.txt", [header] if header else [], blocks.tolist())
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], CUBE)
    np.testing.assert_allclose(cube["channel"], AXIS)
    assert cube["channel"].attrs["units"] == ("nm" if header is None or "nm" in header else "1/cm")
    assert cube.attrs["pixel_size"] == [2.0, 1.5]


@quiet
def test_the_long_format_in_any_order_and_with_holes(tmp_path):
    rows = np.array(long_rows(AXIS))
    held = np.random.default_rng(2).permutation(len(rows))[:-3]
    cube = open_cube(write(tmp_path / "a.txt", ["x\ty\twave\tintensity"], rows[held].tolist()))
    image = np.full(len(rows), np.nan)
    image[held] = CUBE.ravel()[held]
    np.testing.assert_array_equal(cube["spectra"], image.reshape(H, W, C))


@quiet
def test_the_long_format_with_names_of_samples(tmp_path):
    lines = [f"{name},{a:g},{v}" for name, s in zip("abc", CUBE[0], strict=False) for a, v in zip(AXIS, s, strict=True)]
    path = write(tmp_path / "a.csv", ["sample,wavelength_nm,absorbance", *lines], [])
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"][:, 0], CUBE[0, :3])
    assert cube["sample"].values.tolist() == ["a", "b", "c"]
    path.write_text(path.read_text() + lines[0] + "\n")
    with pytest.raises(ReadError, match="two values for one spectrum"):
        open_cube(path)


@quiet
def test_one_spectrum_of_wire(tmp_path):
    rows = np.column_stack([AXIS[::-1], CUBE[0, 0][::-1]]).tolist()
    cube = open_cube(write(tmp_path / "a.txt", ["#Wave\t\t#Intensity"], rows))
    np.testing.assert_array_equal(cube["spectra"][0, 0], CUBE[0, 0])
    assert cube["channel"].attrs["units"] == "1/cm"


@quiet
def test_a_header_in_a_comment_and_one_that_lacks_a_name(tmp_path):
    spectra = CUBE[0]
    np.savetxt(tmp_path / "a.txt", spectra, header=" ".join(f"{a:g}" for a in AXIS))
    np.testing.assert_allclose(open_cube(tmp_path / "a.txt")["channel"], AXIS)
    header = " ".join(f'"X{a:g}"' for a in AXIS)
    lines = [f'"s{k}" ' + " ".join(map(str, row)) for k, row in enumerate(spectra)]
    (tmp_path / "r.txt").write_text("\n".join([header, *lines]).replace('"', ""))
    cube = open_cube(tmp_path / "r.txt", reader="table")
    assert cube["sample"].values.tolist() == ["s0", "s1", "s2", "s3", "s4"]
    np.testing.assert_allclose(cube["channel"], AXIS)


@quiet
@pytest.mark.parametrize("ending", ["", ">>>>>End Spectral Data<<<<<\n"])
def test_lines_before_and_after_a_table(tmp_path, ending):
    rows = "".join(f"{a:g}\t{v}\n" for a, v in zip(AXIS, CUBE[0, 0], strict=True))
    before = (
        "Data from scan_1 Node\n\nDate: Mon Jan 01 2024\nIntegration Time (sec): 0.5\nXAxis mode: Raman Shifts (1/cm)\n"
    )
    (tmp_path / "a.txt").write_text(
        f"{before}Number of Pixels in Spectrum: {C}\n>>>>>Begin Spectral Data<<<<<\n{rows}{ending}"
    )
    cube = open_cube(tmp_path / "a.txt", reader="table")
    np.testing.assert_array_equal(cube["spectra"][0, 0], CUBE[0, 0])
    assert cube["channel"].attrs["units"] == "1/cm"
    assert any("6 lines before the table are left out" in line for line in cube.attrs["history"])


@quiet
@pytest.mark.parametrize("kind", ["map", "long", "orange"])
def test_damage_never_raises_a_stranger(tmp_path, kind):
    x, y = places()
    if kind == "map":
        path = table(tmp_path / "a.txt", x, y, CUBE.reshape(-1, C), ("", ""))
    elif kind == "long":
        path = write(tmp_path / "a.txt", ["#X\t#Y\t#Wave\t#Intensity"], long_rows(AXIS)[: 6 * C])
    else:
        head = [[*(f"{a:g}" for a in AXIS), "kind"], ["continuous"] * C + ["d"], [""] * C + ["class"]]
        path = write(
            tmp_path / "a.tab", ["\t".join(row) for row in head], [[*row, "ab"[k % 2]] for k, row in enumerate(CUBE[0])]
        )
    whole, rng = path.read_bytes(), np.random.default_rng(4)
    for _ in range(300):
        bad = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            bad[rng.integers(len(bad))] = rng.integers(256)
        path.write_bytes(bad)
        with suppress(SpaxelError):
            open_cube(path, reader="table")


def test_names_and_groups(tmp_path):
    rows = [[f"s{k}", "ab"[k % 2], 3.5 * k, *CUBE[0, k]] for k in range(W)]
    header = ["Sample ID,species,Fat," + ",".join(f"{a:g} nm" for a in AXIS)]
    cube = open_cube(write(tmp_path / "a.csv", header, rows, ","))
    assert cube["sample"].values.tolist() == ["s0", "s1", "s2", "s3", "s4"]
    assert cube["group"].values.tolist() == ["a", "b", "a", "b", "a"]
    np.testing.assert_array_equal(cube["target_Fat"].values[:, 0], 3.5 * np.arange(W))
    rows = [[f"s{k}", k % 2, *CUBE[0, k]] for k in range(W)]
    header = ["name,class," + ",".join(f"{a:g} nm" for a in AXIS)]
    assert open_cube(write(tmp_path / "b.csv", header, rows, ","))["group"].values.tolist() == ["0", "1", "0", "1", "0"]


def test_orange(tmp_path):
    axis = [f"{a:g}" for a in AXIS[::-1]]
    spectra = [[f"{v:.4f}" for v in CUBE[0, k][::-1]] for k in range(4)]
    types = ["continuous"] * C
    head = [[*axis, "kind", "patient", "dose"], [*types, "discrete", "string", "continuous"]]
    head.append([""] * C + ["class", "meta", "meta"])
    rows = [[*s, "ab"[k % 2], f"p{k}", str(k)] for k, s in enumerate(spectra)]
    (tmp_path / "a.tab").write_text("\n".join("\t".join(row) for row in [*head, *rows]) + "\n")
    cube = open_cube(tmp_path / "a.tab", units="1/cm")
    np.testing.assert_array_equal(cube["spectra"][:, 0], CUBE[0, :4])
    assert cube["sample"].values.tolist() == ["p0", "p1", "p2", "p3"]
    assert cube["group"].values.tolist() == ["a", "b", "a", "b"]
    assert cube["target_dose"].values.ravel().tolist() == [0, 1, 2, 3]
    short = [[*axis, "cD#kind", "mS#patient", "mC#dose"], *rows]
    (tmp_path / "b.csv").write_text("\n".join(",".join(row) for row in short) + "\n")
    again = open_cube(tmp_path / "b.csv", units="1/cm")
    assert again.drop_attrs().identical(cube.drop_attrs())


@quiet
def test_memory_is_that_of_the_numbers(tmp_path):
    n, c = 3000, 150
    values = np.random.default_rng(0).random((n, c)).round(3)
    path = tmp_path / "a.csv"
    np.savetxt(
        path, values, delimiter=",", fmt="%.3f", header=",".join(f"{k}" for k in range(400, 400 + c)), comments=""
    )
    open_cube(path, channel="index")
    tracemalloc.start()
    cube = open_cube(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cube["spectra"].shape == (n, 1, c)
    assert peak < 2.2 * values.nbytes + 2**20
