"""Figures for a paper and axes for a notebook: right way up, in the run's colours, nothing cut, the same bytes."""

import re
import struct

import numpy as np
import pytest

import spaxel
from spaxel.cli import main
from spaxel.cube import make_cube
from spaxel.errors import CubeError, Exists, MissingExtra, ParameterError
from spaxel.figures.palette import run_colors
from spaxel.results.convention import make_result
from spaxel.store.run_folder import write_json, write_result

pytest.importorskip("matplotlib", reason="figures need the extra plot")
import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

ROWS, COLUMNS = 11, 17  # unequal primes


def simple(n=3, *, shape=(ROWS, COLUMNS), channel=None, units="keV", names=(), unmixed=False, **attrs):
    """A small result with pixels without data in the corner that is the last of all."""
    random = np.random.default_rng(0)
    labels = (np.arange(np.prod(shape)).reshape(shape) * n // np.prod(shape)).astype(np.int32)
    labels[-1, -1] = -1
    channel = np.linspace(1, 20, 64) if channel is None else channel
    cube = make_cube(np.ones((*shape, len(channel)), np.float32), channel, units, **attrs)
    spectra = random.gamma(2, 10, (n, len(channel)))
    arrays = {"labels": labels, "component_spectra": spectra, "component_spread": spectra / 4}
    arrays |= {"component_size": np.bincount(labels[labels >= 0], minlength=n)}
    if unmixed:
        amounts = np.eye(n, dtype=np.float32)[labels] + 0.1
        amounts[labels < 0] = np.nan
        arrays["abundances"] = amounts
    picture = random.integers(0, 255, (*shape, 3)).astype(np.uint8)
    return make_result(cube, coords={"component": list(names)} if names else None, picture=picture, **arrays)


@pytest.fixture
def draw():
    """Axes on a canvas of their own, and the colour that is at a place of the data."""

    def axes(projection=None):
        fig = Figure(figsize=(4, 3), dpi=100)
        FigureCanvasAgg(fig)
        return fig.add_subplot(projection=projection)

    return axes


def color_at(ax, x, y, transform=None):
    """'#RRGGBB' at a place of axes, as it is drawn."""
    ax.figure.canvas.draw()
    image = np.asarray(ax.figure.canvas.buffer_rgba())
    column, up = (transform or ax.transData).transform((x, y))
    pixel = image[image.shape[0] - 1 - int(up), int(column)]
    return "#" + "".join(f"{v:02X}" for v in pixel[:3])


def texts(fig):
    """What is written in a figure and where, in dots: what is drawn, not what is kept for other ticks."""
    drawn, draw_one = [], Text.draw

    def noted(text, renderer, *rest, **more):
        drawn.append(text)
        return draw_one(text, renderer, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noted)
        fig.canvas.draw()
    shown = [text for text in dict.fromkeys(drawn) if text.get_visible() and text.get_text().strip()]
    return [(text, text.get_window_extent()) for text in shown]


def written(path):
    return path.read_bytes()


@pytest.mark.parametrize("origin", ["upper", "lower"])
def test_a_map_is_right_way_up(draw, origin):
    result = simple(4, origin=origin)
    ax = spaxel.plot.map(result, ax=draw(), legend=False)
    colors = run_colors(result)
    bottom, top = ax.get_ylim()
    assert (bottom < top) == (origin == "lower")
    for row, column in [(0, 0), (0, COLUMNS - 1), (ROWS - 1, 0), (5, 3)]:
        assert color_at(ax, column, row) == colors[int(result["labels"][row, column])]


def test_maps_of_one_model_have_the_same_colours(draw):
    """Colours are dealt for the borders of one map; `like` takes those of another."""
    first, second = simple(8), simple(8)
    second["labels"].values[:] = second["labels"].values.T.reshape(second["labels"].shape)  # other neighbours
    ax = spaxel.plot.map(second, ax=draw(), like=first)
    shown = [tuple(patch.get_facecolor()[:3]) for patch in ax.get_legend().get_patches()][:8]
    assert shown == [mpl.colors.to_rgb(color) for color in run_colors(first)]
    assert run_colors(second) != run_colors(first)


@pytest.mark.parametrize("down", [-1, 1])
def test_a_map_with_coordinates_lies_where_the_file_says(draw, down):
    """North is on top, also of a GeoTIFF whose first row is the southern one."""
    wkt = 'PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",UNIT["degree",0.01745]],UNIT["metre",1]]'
    result = simple(4, crs=wkt, transform=[366000.0, 30.0, 0.0, 5806000.0, 0.0, 30.0 * down])
    ax = spaxel.plot.map(result, ax=draw(), legend=False)
    assert ax.get_ylim()[0] < ax.get_ylim()[1]
    assert ax.get_xlabel() == "easting (m)\nWGS 84 / UTM zone 33N"
    for row, column in [(0, 1), (ROWS - 1, 2), (4, 9)]:
        x, y = 366000 + 30 * (column + 0.5), 5806000 + down * 30 * (row + 0.5)
        assert color_at(ax, x, y) == run_colors(result)[int(result["labels"][row, column])]


def test_a_map_on_the_sky_is_turned_as_the_sky_is(draw):
    astropy = pytest.importorskip("astropy.wcs")
    wcs = astropy.WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.2], [9.0, 6.0]
    turn = np.deg2rad(33)
    wcs.wcs.cd = np.array([[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * 0.2 / 3600
    result = simple(4, wcs_header=wcs.to_header_string(), origin="lower")
    ax = spaxel.plot.map(result, ax=draw(spaxel.plot.projection(result)), legend=False)
    for row, column in [(0, 1), (ROWS - 1, 2), (4, 9)]:
        sky = wcs.pixel_to_world_values(column, row)
        seen = color_at(ax, *sky, transform=ax.get_transform("world"))
        assert seen == run_colors(result)[int(result["labels"][row, column])]
    assert ax.coords[0].get_axislabel().startswith("right ascension")


def test_pixels_without_data_show_the_hatch(draw):
    result = simple(2)
    ax = spaxel.plot.map(result, ax=draw())
    assert ax.images[0].get_array()[-1, -1, 3] == 0
    assert set(ax.patch.get_hatch()) == {"/"}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "component 0  50.5 %", "component 1  49.5 %", "no data",
    ]  # fmt: skip


def test_names_are_shown_as_they_are(draw):
    names = ["$x_1$ & \\alpha", "_hidden", "<b>\x1b[31m\nred</b>"]
    ax = spaxel.plot.map(simple(3, names=names), ax=draw())
    ax.figure.canvas.draw()  # a formula would be an error here
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [text.split("  ")[0] for text in shown[:3]] == ["$x_1$ & \\alpha", "_hidden", "<b>\\x1b[31m\\nred</b>"]


def test_wavenumbers_fall_to_the_right(draw):
    ax = spaxel.plot.spectra(simple(channel=np.linspace(600, 1700, 50), units="1/cm"), ax=draw())
    assert ax.get_xlim() == (1700, 600)
    assert ax.get_xlabel() == "wavenumber (cm⁻¹)"
    assert len(ax.collections) == 3  # the bands of the spread


def test_the_axis_ends_where_nothing_more_is(draw):
    axis = np.linspace(0, 40, 200)
    peaks = np.exp(-((axis - np.array([[4.0], [9.0], [6.4]])) ** 2))
    result = simple(channel=axis, unmixed=True).assign(component_spectra=(("component", "channel"), peaks))
    ax = spaxel.plot.spectra(result.drop_vars("component_spread"), ax=draw())
    assert 10 < ax.get_xlim()[1] < 15
    assert ax.get_ylabel() == "pure spectrum"


def test_each_abundance_has_its_colour_bar():
    result = simple(3, unmixed=True)
    axes = spaxel.plot.abundances(result)
    assert [ax.get_title() for ax in axes] == ["component 0", "component 1", "component 2"]
    assert [len(ax.child_axes) for ax in axes] == [1, 1, 1]
    one = spaxel.plot.abundances(result, 1)
    assert np.ma.getmaskarray(one.images[0].get_array())[-1, -1]
    with pytest.raises(ParameterError, match="There is no component 'red'"):
        spaxel.plot.abundances(result, "red")
    with pytest.raises(ParameterError, match="3 components are drawn"):
        spaxel.plot.abundances(result, ax=[one])
    plt.close("all")


SKY = (
    "CTYPE1  = 'RA---TAN'".ljust(80) + "CTYPE2  = 'DEC--TAN'".ljust(80) + "CRVAL1  = 150.1".ljust(80)
    + "CRVAL2  = -2.2".ljust(80) + "CRPIX1  = 9.0".ljust(80) + "CRPIX2  = 6.0".ljust(80) + "CDELT1  = -5.5E-05".ljust(80)
    + "CDELT2  = 5.5E-05".ljust(80)
)  # fmt: skip
CASES = {
    "map": {},
    "24": {"n": 24},
    "one": {"n": 1},
    "long": {"n": 3, "names": ["a name that is much longer than a column has room for", "b", "c" * 90]},
    "unmixed": {"n": 5, "unmixed": True},
    "list": {"n": 3, "shape": (23, 1), "unmixed": True},
    "micron": {"n": 3, "pixel_size": [1.5e-6, 1.5e-6], "pixel_units": "m"},
    "high": {"n": 3, "shape": (29, 7)},
    "wide": {"n": 3, "shape": (7, 29)},
    "sky": {"n": 4, "wcs_header": SKY, "origin": "lower", "shape": (31, 37)},
    "flux": {"n": 2, "channel": np.array([5000.0]), "units": "Angstrom"},
}


WIDE = ("map", "24", "unmixed", "sky", "list")  # that are also tried at the width of a page


@pytest.mark.parametrize(("name", "width"), [*((name, 85.0) for name in CASES), *((name, 180.0) for name in WIDE)])
def test_nothing_overlaps_or_is_cut(name, width):
    from spaxel.plot.compose import compose
    from spaxel.plot.paper import styled
    from spaxel.plot.scene import open_scene

    with styled():
        fig = compose(open_scene(simple(**CASES[name])), width, 100, ["overview"])
        found = texts(fig)
        assert min(text.get_fontsize() for text, _ in found) >= 7
        wide, high = fig.canvas.get_width_height()
        assert abs(fig.get_size_inches()[0] * 25.4 - width) < 1e-6
        for i, (text, box) in enumerate(found):
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= wide + 1 and box.y1 <= high + 1
            assert inside, f"{text.get_text()!r} is cut"
            for other, at in found[:i]:
                across = min(box.x1, at.x1) - max(box.x0, at.x0)
                assert min(across, min(box.y1, at.y1) - max(box.y0, at.y0)) < 1, (text.get_text(), other.get_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder, for the command."""
    folder = tmp_path_factory.mktemp("runs") / "altar"
    folder.mkdir()
    cube = spaxel.simulate("maxrf", height=24, width=32, channels=64, n_pigments=4, seed=1)
    result = spaxel.KMeans(n_clusters=4, random_state=0).fit(cube).predict(cube)
    write_result(folder, result)
    write_json(folder, {"method": "kmeans", "name": "altar", "colors": run_colors(result)[::-1]})
    return folder


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_run_gives_the_same_bytes(run, tmp_path, kind):
    first = spaxel.figure(run, tmp_path / f"a.{kind}", dpi=100)
    mpl.rcParams["font.size"] = 30  # what the reader likes is not what is printed
    try:
        again = spaxel.figure(run, tmp_path / f"b.{kind}", dpi=100)
    finally:
        mpl.rcParams["font.size"] = 10
    assert written(first) == written(again)


def test_a_figure_is_as_wide_as_a_column(run, tmp_path):
    png = written(spaxel.figure(run, tmp_path / "a.png"))
    assert struct.unpack(">I", png[16:20])[0] in (1003, 1004)  # 85 mm
    svg = spaxel.figure(run, tmp_path / "a.svg", width="3.5in", what="map").read_text("utf-8")
    assert abs(float(re.search(r'width="([\d.]+)pt"', svg)[1]) - 3.5 * 72) < 0.01
    assert "component 3" in svg  # text stays text
    assert "energy" not in svg
    assert min(float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", svg)) >= 7
    for color in run_colors(spaxel.plot.scene.open_scene(run).result)[::-1]:
        assert color.lower() in svg  # those that the run's page has: dealt backwards here
    assert b"/TrueType" in written(spaxel.figure(run, tmp_path / "a.pdf")) or b"/Type0" in written(tmp_path / "a.pdf")


def test_the_command_writes_a_figure_and_leaves_the_run_alone(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    main(["figure", str(run), "--level", "2", "--width", "page", "--what", "map,spectra", "--dpi", "100"])
    assert capsys.readouterr().out == "figure: altar.png\n"
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    with pytest.raises(SystemExit):
        main(["figure", str(run)])
    assert "altar.png exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "look", "said"),
    [
        ("a.gif", {}, "ends with '.gif'. Try a name that ends with .png"),
        ("a.png", {"width": "wide"}, "Try column"),
        ("a.png", {"width": "2mm"}, "expected 40 to 1000"),
        ("a.png", {"dpi": 1}, "expected 50 to 2400"),
        ("a.png", {"what": "maps"}, "A figure has no 'maps'"),
        ("a.png", {"what": "abundances"}, "segmented, not unmixed"),
        ("a.png", {"height": 3}, "no option height"),
        ("a.png", {"level": 999}, "level is 999"),
    ],
)
def test_what_cannot_be_drawn_is_said(run, tmp_path, path, look, said):
    with pytest.raises(ParameterError, match=said):
        spaxel.figure(run, tmp_path / path, **look)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_not_written_over_another_file(run, tmp_path):
    (tmp_path / "a.png").write_text("mine")
    with pytest.raises(Exists):
        spaxel.figure(run, tmp_path / "a.png")
    with pytest.raises(CubeError, match="Expected a result"):
        spaxel.plot.map(spaxel.simulate("maxrf", height=8, width=8, channels=8))


def test_without_matplotlib_the_command_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spaxel\[plot\]'"):
        spaxel.figure(run, tmp_path / "a.png")


def test_letters_that_the_font_lacks_are_said_once(tmp_path):
    with pytest.warns(UserWarning, match="not in the font of the figure") as said:
        spaxel.figure(simple(2, names=["朱", "青 blue"]), tmp_path / "a.png", what="map")
    assert len(said) == 1
