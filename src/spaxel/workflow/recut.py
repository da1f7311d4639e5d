"""A run changed after it was made, or a cut of it kept beside it: another level, and what is done by hand."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel import reporting
from spaxel.errors import ParameterError, called
from spaxel.pace import paced
from spaxel.results.changes import Changes
from spaxel.results.cut import planned, record, recorded
from spaxel.results.editing import options_of
from spaxel.results.regrouping import pooled, regrouped
from spaxel.results.walk import bounded
from spaxel.store.cuts import cuts_home, read_cut, save_cut
from spaxel.store.reuse import rewrite_result, take_over
from spaxel.store.run_folder import ACTIVATION, RESULT, new_run, read_json, read_result, write_json
from spaxel.store.uploads import changes
from spaxel.workflow.beside import scored, write_beside, write_joined
from spaxel.workflow.rare import write_rare
from spaxel.workflow.tables import write_recipe


@changes
def recut(
    run: str | Path,
    level: int | None = None,
    *,
    start: str = "",
    command: str = "",
    memory: int | None = None,
    **by_hand: Any,
) -> Path:
    """Give a run other components, see spaxel.cut, and write results, tables and reports anew, in place of the old ones.

    start   : the name of a kept cut (spaxel.store.cuts) to begin with, in place of the components as they are
    command : that is written into run.json
    memory  : bytes of maps that are held at once, see spaxel.results.walk.bounded
    by_hand : split, merge, names, colors, background, as spaxel.cut takes them
    Only what changes is written, chunk by chunk; all else of the run is taken over by hard links.
    The fitted model, its tree and the finest parts stay as they are, so every cut can be taken back: with a level, what was
    done by hand starts from nothing; without, it is added to what is there. run.json keeps the commands of all cuts.
    A run of several cubes is changed as a whole. Raises ParameterError for a level or a change that makes no sense.
    """
    changes, made = Changes(**by_hand), _start(run, level, start)
    run = Path(run)
    about = read_json(run)
    if about.get("model") == "..":
        raise ParameterError(f"{run} shares its components with the cubes beside it. Try spaxel cut {run.parent}.")
    inside = list(about.get("inputs", {}))
    typed = command or _command(run, level, changes, start)
    with bounded(memory), new_run(run, overwrite=True) as folder:
        take_over(run, folder, [str(Path(name, RESULT)) for name in inside or [""]])
        changed: dict[str, dict[str, Any]] = {}
        for name in paced(inside or [""], "cubes"):
            before = read_result(run / name)
            again = regrouped(before, *planned(before, level, changes, made))
            rewrite_result(folder / name, again, before, run / name)
            again = read_result(folder / name)
            write_rare(folder / name, again)
            changed[name] = _changed(read_json(run / name), again, typed, added=level is None and not start)
        if inside:
            beside = write_joined(folder, inside, about.get("reference", ()))
            write_json(folder, _changed(about, again, typed, added=level is None and not start))
        else:
            beside = {"": write_beside(folder, str(about.get("name") or run.name), again)}
            beside[""]["presence"] = (about.get("presence") or {}) | beside[""]["presence"]
        for name, said in changed.items():
            write_json(folder / name, said | beside[name])
        pages = [*inside, *([""] if not inside or (folder / ACTIVATION).is_file() else [])]
        for name in paced(pages, "reports"):
            reporting.report(folder / name)
    return run


def _changed(about: dict[str, Any], again: xr.Dataset, typed: str, *, added: bool) -> dict[str, Any]:
    """run.json after a cut."""
    lines = str(about.get("command", "")).split("\n")
    kept = lines if added else lines[:1]
    cuts = [*about.get("cuts", []), typed]
    made = record(again)
    truth = scored(again) if "inputs" not in about else {}
    about = {name: value for name, value in about.items() if name != "advice"}  # it was of the old ones
    return about | truth | {"level": made["level"], "cut": made, "cuts": cuts, "command": "\n".join([*kept, typed])}


@changes
def keep_cut(
    run: str | Path,
    name: str,
    level: int | None = None,
    *,
    start: str = "",
    overwrite: bool = False,
    command: str = "",
    **by_hand: Any,
) -> Path:
    """Keep other components of a run under a name, beside its fit; the run's own result stays as it is. Returns the folder.

    name, start, overwrite : see spaxel.store.cuts.save_cut, and `recut`      by_hand : as spaxel.cut takes them
    Beside the recipe lies components.csv, of all cubes together. Raises as `recut`, and Exists without `overwrite`.
    """
    run, changes, made = cuts_home(Path(run)), Changes(**by_hand), _start(run, level, start)
    inside = list(read_json(run).get("inputs", {})) or [""]
    results = [read_result(run / cube) for cube in inside]
    now, words = planned(results[0], level, changes, made)
    typed = command or _command(run, level, changes, start, name)
    folder = save_cut(run, name, recorded(now, words), typed, overwrite=overwrite)
    write_recipe(folder, pooled(results, now), read_json(run))
    return folder


def _start(run: str | Path, level: int | None, start: str) -> dict[str, Any] | None:
    """The components of a kept cut, None for those of the run."""
    if not start:
        return None
    if level is not None:
        raise ParameterError(
            f"With LEVEL {level} everything starts anew, and with --from {start} from that cut. Try one of them."
        )
    return read_cut(run, start)["made"]


def _command(run: Path, level: int | None, changes: Changes, start: str = "", save_as: str = "") -> str:
    words = ["spaxel", "cut", called(str(run)), *([] if level is None else [str(level)])]
    words += ["--from", start] if start else []
    return shlex.join([*words, *options_of(changes), *(["--save-as", save_as] if save_as else [])])
