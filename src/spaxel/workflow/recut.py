"""A run changed after it was made: another level, merges, names by hand."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from spaxel.errors import ParameterError
from spaxel.reporting import report
from spaxel.results.cut import cut, record
from spaxel.results.grouping import Which
from spaxel.store.run_folder import ACTIVATION, RESULT, new_run, read_json, read_result, write_json, write_result
from spaxel.workflow.beside import scored, write_beside, write_joined


def recut(
    run: str | Path,
    level: int | None = None,
    *,
    merge: Sequence[Sequence[Which]] = (),
    names: Mapping[Which, str] | None = None,
    command: str = "",
) -> Path:
    """Give a run other components, see spaxel.cut, and write results, tables and reports anew, in place of the old ones.

    The fitted model, its tree and the finest parts stay as they are, so every cut can be taken back: with a level, merges
    and names start from nothing; without, they are added to what is there. run.json keeps the commands of all cuts.
    A run of several cubes is changed as a whole. Raises ParameterError for a level, merge or name that makes no sense.
    """
    run = Path(run)
    about = read_json(run)
    if about.get("model") == "..":
        raise ParameterError(f"{run} shares its components with the cubes beside it. Try spaxel cut {run.parent}.")
    inside = list(about.get("inputs", {}))
    typed = command or _command(run, level, merge, names)
    with new_run(run, overwrite=True) as folder:
        answers = {(run / name).resolve() for name in inside or [""]}
        shutil.copytree(
            run, folder, dirs_exist_ok=True, symlinks=True, ignore=lambda place, _: _skipped(place, answers)
        )
        changed: dict[str, dict[str, Any]] = {}
        for name in inside or [""]:
            again = cut(read_result(run / name).load(), level, merge=merge, names=names)
            write_result(folder / name, again)
            changed[name] = _changed(read_json(run / name), again, typed, added=level is None)
        if inside:
            beside = write_joined(folder, inside, about.get("reference", ()))
            write_json(folder, _changed(about, again, typed, added=level is None))
        else:
            beside = {"": write_beside(folder, str(about.get("name") or run.name), again)}
            beside[""]["presence"] = (about.get("presence") or {}) | beside[""]["presence"]
        for name, said in changed.items():
            write_json(folder / name, said | beside[name])
        for name in [*inside, *([""] if not inside or (folder / ACTIVATION).is_file() else [])]:
            report(folder / name)
    return run


def _skipped(place: str, answers: set[Path]) -> list[str]:
    return [RESULT] if Path(place).resolve() in answers else []


def _changed(about: dict[str, Any], again: xr.Dataset, typed: str, *, added: bool) -> dict[str, Any]:
    """run.json after a cut."""
    lines = str(about.get("command", "")).split("\n")
    kept = lines if added else lines[:1]
    cuts = [*about.get("cuts", []), typed]
    made = record(again)
    truth = scored(again) if "inputs" not in about else {}
    return about | truth | {"level": made["level"], "cut": made, "cuts": cuts, "command": "\n".join([*kept, typed])}


def _command(run: Path, level: int | None, merge: Sequence[Sequence[Which]], names: Mapping[Which, str] | None) -> str:
    words = ["spaxel", "cut", str(run), *([] if level is None else [str(level)])]
    for members in merge:
        words += ["--merge", ",".join(map(str, members))]
    for which, name in (names or {}).items():
        words += ["--name", f"{which}={name}"]
    return shlex.join(words)
