"""The tutorials run as they stand, from file to exported map, and hold what they showed.

All four run in one kernel, each in an empty folder and with nothing left of the one before: a kernel for each would cost three
more starts. Whoever changes one runs `python docs/run_tutorials.py` to keep what it shows.
"""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "docs/tutorials"
MADE = {  # what a reader has in the end
    "painting": {"altarpiece.h5", "paints.png", "paints"},
    "galaxy": {"galaxy.fits", "regions.pdf", "regions.fits"},
    "leaves": {"day00.zarr", "day05.zarr", "day10.zarr", "day10.png", "day10", "leaf-model"},
    "raman_and_tables": {"map.txt", "minerals.pdf", "minerals.hspy", "mixtures.csv", "mixtures"},
}
NEEDED = ("nbclient", "ipykernel", "matplotlib", "astropy", "prosail")


def notebook(name):
    return json.loads((TUTORIALS / f"{name}.ipynb").read_text("utf-8"))


def code(name):
    return [cell for cell in notebook(name)["cells"] if cell["cell_type"] == "code"]


def kinds(cell):
    """What a cell shows: pictures, tables, text. Warnings are not among what a tutorial shows."""
    found = [sorted(output["data"]) if "data" in output else output["name"] for output in cell["outputs"]]
    return [kind for kind in found if kind != "stderr"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The cells of each tutorial after they ran, and the folder in which each ran."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"tutorials need {', '.join(missing)}")
    import nbformat
    from nbclient import NotebookClient

    folders = {name: tmp_path_factory.mktemp(name) for name in MADE}
    cells, own = [], {}
    for name, folder in folders.items():
        start = nbformat.v4.new_code_cell(f"%reset -f\nimport os\nos.chdir({str(folder)!r})")
        own[name] = [nbformat.v4.new_code_cell("".join(cell["source"])) for cell in code(name)]
        cells += [start, *own[name]]
    together = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(together, timeout=240, kernel_name="python3").execute()
    return {name: (own[name], folders[name]) for name in MADE}


def test_all_tutorials_are_here():
    assert {path.stem for path in TUTORIALS.glob("*.ipynb")} == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_a_tutorial_runs_and_shows_what_it_holds(ran, name):
    cells, folder = ran[name]
    assert MADE[name] <= {path.name for path in folder.iterdir()}
    shown = [
        output["data"]["text/html"]
        for cell in cells
        for output in cell["outputs"]
        if "text/html" in output.get("data", ())
    ]
    assert any('src="data:image/png;base64,' in html for html in shown), "a result does not show its picture"
    assert [kinds(cell) for cell in cells] == [kinds(cell) for cell in code(name)], "try: python docs/run_tutorials.py"


@pytest.mark.parametrize("name", MADE)
def test_a_tutorial_is_short_and_small(name):
    path = TUTORIALS / f"{name}.ipynb"
    assert 8 <= len(code(name)) <= 12
    assert path.stat().st_size < 400_000
    text = path.read_text("utf-8")
    assert "image/png" in text
    plain = re.sub(r"[A-Za-z0-9+/=]{80,}", "", text)  # without the pictures
    assert not re.search(r"/tmp/|/home/|/root/|Traceback", plain)
    assert max(len(line) for cell in code(name) for line in "".join(cell["source"]).splitlines()) <= 100


@pytest.mark.parametrize("name", MADE)
def test_links_of_a_tutorial_lead_somewhere(name):
    words = "\n".join("".join(cell["source"]) for cell in notebook(name)["cells"] if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\(([^)#]+)\)", words)
    assert links
    assert [link for link in links if not (TUTORIALS / link).exists()] == []
