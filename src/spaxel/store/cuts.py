"""Named cuts: other components of a run, kept beside its fit in RUN/cuts/NAME without changing the run.

    cut.json        which finest parts make up each component, with names and colours; the command that made it
    report.html     its page, if one was asked for

Labels follow from the finest parts, so a cut holds no map and takes some kilobytes. A run of several cubes keeps its cuts
itself; they hold for each of its cubes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import NotFound, ParameterError
from spaxel.results.cut import recall
from spaxel.store.here import check_local
from spaxel.store.places import is_plain, placed
from spaxel.store.records import Cut, read_plain
from spaxel.store.run_folder import read_json, read_run

CUTS, CUT = "cuts", "cut.json"
FORMAT, VERSION = "spaxel-cut", 1
OF_LABELS = ("activation", "presence", "score")  # what a run.json says of its own components


def save_cut(run: str | Path, name: str, made: dict[str, Any], command: str = "", *, overwrite: bool = False) -> Path:
    """Keep components under a name beside the fit of a run; its own result stays as it is. Returns the folder of the cut.

    made : see spaxel.results.cut.record      command : that repeats it
    Raises ParameterError for a name that is no name of a folder, Exists if there is one and `overwrite` is False.
    """
    home = cuts_home(run)
    if not is_plain(name) or name.startswith("."):
        raise ParameterError(f"{name!r} cannot be the name of a cut. Try letters and digits, as lesions.")
    if CUTS in (read_json(home).get("inputs") or {}):
        raise ParameterError(
            f"{home} has a cube that is called {CUTS}, so no cut can be kept. Try another name for it."
        )
    (home / CUTS).mkdir(exist_ok=True)
    about = {"format": FORMAT, "version": VERSION, "name": name, "command": command, "made": made}
    about["created"] = datetime.now(UTC).isoformat(timespec="seconds")
    with placed(home / CUTS, name, overwrite=overwrite) as folder:
        folder.mkdir()
        (folder / CUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return home / CUTS / name


def list_cuts(run: str | Path) -> list[str]:
    """The names of the cuts that are kept beside a run, in alphabetical order."""
    return sorted(path.parent.name for path in (cuts_home(run) / CUTS).glob(f"*/{CUT}"))


def cut_folder(run: str | Path, name: str) -> Path:
    """Where a named cut of a run lies. Raises NotFound if there is none of this name; the message lists those there are."""
    found = list_cuts(run)
    if name not in found:
        there = f"Try one of: {', '.join(found)}" if found else "It has none. Try spaxel cut RUN LEVEL --save-as NAME"
        raise NotFound(f"{run} has no cut {name!r}. {there}.")
    return cuts_home(run) / CUTS / name


def read_cut(run: str | Path, name: str) -> dict[str, Any]:
    """cut.json of a named cut. Raises NotFound if there is none of this name, ReadError if it is damaged or too new."""
    return read_plain(cut_folder(run, name) / CUT, Cut, "to cut again")


def open_cut(run: str | Path, name: str) -> tuple[dict[str, Any], xr.Dataset]:
    """run.json and the result of a run (or of one cube of it) with the components of a named cut, as `read_run`.

    Of the parent of several cubes there is no result: give the folder of one of its cubes. What run.json says of the
    labels of the run itself (score, presence) is left out.
    Raises NotFound if there is no cut of this name, ReadError if it is damaged, ParameterError if it is of another fit.
    """
    kept = read_cut(run, name)
    about, result = read_run(run)
    about = {key: value for key, value in about.items() if key not in OF_LABELS}
    lines = [*str(about.get("command", "")).split("\n")[:1], kept["command"]]
    made = kept["made"]
    about |= {
        "cut": made,
        "level": made["level"],
        "cut_name": name,
        "command": "\n".join(line for line in lines if line),
    }
    return about, recall(result, made)


def cuts_home(run: str | Path) -> Path:
    """The folder that keeps the cuts of a run: its own, or of a cube the one of all its cubes."""
    run = check_local(run)
    return run.resolve().parent if read_json(run).get("model") == ".." else run
