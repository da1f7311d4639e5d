"""The page of a kept cut, beside its recipe; the report of the run itself stays as it is."""

from __future__ import annotations

from pathlib import Path

from spaxel.reporting.joined import render_joined
from spaxel.reporting.page import PAGE
from spaxel.reporting.whole_page import render
from spaxel.store.cuts import cut_folder, open_cut
from spaxel.store.places import placed
from spaxel.store.run_folder import ACTIVATION, read_json
from spaxel.store.uploads import changes


@changes
def report_cut(run: str | Path, name: str) -> Path:
    """Write `report.html` of a named cut into its folder (RUN/cuts/NAME), and return its path.

    Of a run of several cubes: a page of all, and one of each cube in a folder of its own beside it.
    Raises NotFound if there is no run or no cut of this name.
    """
    run = Path(run)
    folder, about = cut_folder(run, name), read_json(run)
    if "inputs" not in about:
        shown, result = open_cut(run, name)
        place = folder / run.resolve().name if about.get("model") == ".." else folder
        return _write(place, render(result, shown))
    for cube in about["inputs"]:
        shown, result = open_cut(run / cube, name)
        page = _write(folder / cube, render(result, shown))
    if (run / ACTIVATION).is_file():
        page = _write(folder, render_joined(run, about, cut=name))
    return page


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    with placed(folder, PAGE) as beside:
        beside.write_text(text, encoding="utf-8")
    return folder / PAGE
