"""A result in a notebook: it shows its pictures, and `result.spaxel` has at hand what is done with it."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.errors import CubeError
from spaxel.figures.palette import run_colors

pytest.importorskip("matplotlib", reason="figures need the extra plot")
from spaxel.plot.notebook import html


@pytest.fixture(scope="module")
def cube():
    return spaxel.simulate("maxrf", height=20, width=24, channels=64, n_pigments=4, seed=1)


@pytest.fixture(scope="module")
def result(cube):
    return spaxel.KMeans(n_clusters=4, random_state=0).fit(cube).predict(cube)


def test_a_result_shows_its_picture_and_what_it_is(result):
    shown = html(result.assign_attrs(sentence="4 <b>components</b>"))
    assert shown.count('src="data:image/png;base64,') == 1
    assert "4 &lt;b&gt;components&lt;/b&gt;" in shown
    assert "as an xarray.Dataset" in shown
    assert len(shown) < 300_000


def test_other_datasets_are_shown_as_xarray_shows_them(cube):
    for other in (
        cube,
        xr.Dataset({"labels": ("time", [1, 2])}),
        xr.Dataset({"labels": (("y", "x"), np.eye(3, dtype=int))}),
    ):
        assert "data:image/png" not in html(other)
        assert "xr-wrap" in html(other)


def test_without_matplotlib_there_is_a_map_and_a_hint(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = html(result.assign_coords(component=["<i>", "b", "c", "d"]))
    assert 'alt="map of labels"' in shown
    assert "&lt;i&gt;" in shown
    assert "pip install" in shown


def test_the_accessor_does_what_the_functions_do(result, tmp_path):
    assert result.spaxel.names == [f"component {i}" for i in range(4)]
    assert result.spaxel.colors == run_colors(result)
    assert result.spaxel.cut(2).identical(spaxel.cut(result, 2))
    assert result.spaxel.figure(tmp_path / "a.png", what="map").is_file()
    table = result.spaxel.table()
    assert list(table.columns) == ["name", "color", "pixels", "share", "confidence"]
    assert table["pixels"].sum() == 20 * 24
    assert abs(table["share"].sum() - 1) < 1e-3
    own = result["labels"].values == 2
    assert table["confidence"][2] == pytest.approx(result["confidence"].values[own].mean(), abs=1e-3)


def test_the_accessor_draws_into_axes_of_ours(result):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure()
    FigureCanvasAgg(fig)
    one, two = fig.subplots(1, 2)
    assert result.spaxel.map(ax=one) is one
    assert result.spaxel.spectra(ax=two, legend=False).get_legend() is None
    assert len(result.spaxel.overview(fig=Figure(figsize=(7, 4)))) == 4


def test_what_is_no_result_says_so(cube):
    for call in (cube.spaxel.table, cube.spaxel.map, lambda: cube.spaxel.colors):
        with pytest.raises(CubeError, match="Expected a result"):
            call()


def test_the_accessor_is_there_with_the_first_name_and_loads_nothing_that_draws():
    program = (
        "import sys, spaxel; spaxel.make_cube; import xarray; print(hasattr(xarray.Dataset, 'spaxel'),"
        " sorted({'bokeh', 'matplotlib', 'IPython', 'pandas.plotting._core'} & set(sys.modules) - {'pandas.plotting._core'}))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "True []"


def test_a_figure_waits_for_no_library_of_the_page():
    program = "import sys, spaxel.plot.paper, spaxel.plot.curves; print('bokeh' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def test_a_notebook_is_told_by_name_so_that_the_import_stays_quick():
    """As in a kernel: IPython is there before spaxel, and xarray is not loaded. tests/test_tutorials.py sees what it shows."""
    program = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
        "import spaxel\nprint('xarray' in sys.modules)\n"
        "print(('xarray.core.dataset', 'Dataset') in shell.display_formatter.formatters['text/html'].deferred_printers)\n"
    )
    pytest.importorskip("IPython", reason="needs IPython, as a notebook has it")
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "True"], said.stderr
