"""What lies beside a result in a run folder, and a run changed after it was made: another level, merges, names by hand."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import NotFound, ParameterError
from spaxel.figures.palette import component_colors
from spaxel.figures.reduce import reduce_labels
from spaxel.metrics import score
from spaxel.reporting import report
from spaxel.results.cut import cut, record
from spaxel.results.grouping import Which
from spaxel.results.presence import Presence, is_new, new_here, presence
from spaxel.store.places import is_plain
from spaxel.store.run_folder import ACTIVATION, RESULT, new_run, read_json, read_result, write_json, write_result
from spaxel.workflow.tables import write_activation, write_mixture

SIDE = 256  # of the maps that colours are dealt for; smaller for more than 8 results, so that they stay small together


def scored(result: xr.Dataset) -> dict[str, Any]:
    """{"score": …} where the result holds a truth with at least one label, else {}."""
    known = "truth_labels" in result and bool((result["truth_labels"] >= 0).any())
    return {"score": score(result, result)} if known else {}


def common_colors(results: Sequence[xr.Dataset]) -> list[str]:
    """Colours by place in the palette, dealt for the maps of all these results of one model together."""
    side = max(16, int(SIDE * min(1.0, (8 / len(results)) ** 0.5)))
    small = [reduce_labels(result["labels"].values, side) for result in results]
    width = max(labels.shape[1] for labels in small)
    padded = [np.pad(labels, ((0, 1), (0, width - labels.shape[1])), constant_values=-1) for labels in small]
    both = xr.Dataset({"labels": (("y", "x"), np.concatenate(padded))})
    if "component_color" in results[0]:
        both["component_color"] = ("component", results[0]["component_color"].values)
    return component_colors(both)


def write_beside(
    folder: Path, name: str, result: xr.Dataset, others: Sequence[Presence] | None = None
) -> dict[str, Any]:
    """The tables of one result; returns what run.json says of presence.

    others : presence in the cubes that this one is compared with; None if there are none
    """
    if "abundances" in result:
        write_mixture(folder, result)
        return {}
    here = presence(result)
    new = is_new(here, others or [])
    write_activation(folder, {name: here}, {name: new})
    return {"new": np.flatnonzero(new).tolist(), "compared_with": len(others or [])}


def write_joined(folder: Path, names: Sequence[str], reference: Sequence[str] = ()) -> None:
    """activation.csv of a run of several cubes, and of each of them with what is new in it; {} for abundances."""
    results = {name: read_result(folder / name) for name in names}
    if any("abundances" in result for result in results.values()):
        for name, result in results.items():
            write_mixture(folder / name, result)
        return
    found = {name: presence(result) for name, result in results.items()}
    new = new_here(found, reference)
    write_activation(folder, found, new)
    for name, here in found.items():
        write_activation(folder / name, {name: here}, {name: new[name]})
        others = len([other for other in (reference or found) if other != name])
        said = {"new": np.flatnonzero(new[name]).tolist(), "compared_with": others}
        write_json(folder / name, read_json(folder / name) | {"presence": said})


def cubes_of(run: Path) -> list[Presence]:
    """Presence in the cubes that new ones are compared with: the reference of a run, else all that it has labels of."""
    about = read_json(run)
    names = about.get("reference") or list(about.get("inputs", {})) or [""]
    try:
        results = [read_result(run / name) for name in names]
    except NotFound:
        return []
    return [presence(result) for result in results if "abundances" not in result]


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
        for name in inside or [""]:
            again = cut(read_result(run / name).load(), level, merge=merge, names=names)
            write_result(folder / name, again)
            changed = _changed(read_json(run / name), again, typed, level is None)
            if not inside:
                changed["presence"] = (about.get("presence") or {}) | write_beside(folder, _name(about, run), again)
            write_json(folder / name, changed)
        if inside:
            write_json(folder, _changed(about, again, typed, level is None))
            write_joined(folder, inside, about.get("reference", ()))
        for name in [*inside, *([""] if not inside or (folder / ACTIVATION).is_file() else [])]:
            report(folder / name)
    return run


def _skipped(place: str, answers: set[Path]) -> list[str]:
    return [RESULT] if Path(place).resolve() in answers else []


def _changed(about: dict[str, Any], again: xr.Dataset, typed: str, added: bool) -> dict[str, Any]:
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


def _name(about: dict[str, Any], run: Path) -> str:
    return str(about.get("name") or run.name)


def folder_names(paths: Sequence[str | Path]) -> list[str]:
    """A folder name for each file: its stem, with a number where stems repeat; no name twice, none that is no plain name."""
    stems = [_plain_stem(Path(path).resolve().stem) for path in paths]
    names: list[str] = []
    for i, stem in enumerate(stems):
        name = stem if stems.count(stem) == 1 else f"{stem}-{i}"
        while name in names or (name != stem and name in stems):
            name += "-"
        names.append(name)
    return names


def _plain_stem(stem: str) -> str:
    """The stem of a file as the name of a folder on every system: as it is wherever that is one."""
    if is_plain(stem):
        return stem
    plain = re.sub(r"[\\/:\x00-\x1f]", "-", stem)
    return plain if is_plain(plain) else f"{plain or 'cube'}-"


def referred(reference: Sequence[str | Path], names: Sequence[str], paths: Sequence[str | Path]) -> list[str]:
    """The names of the cubes that are given as reference, by name or path. Raises ParameterError."""
    known = {str(path): name for path, name in zip(paths, names, strict=True)} | {name: name for name in names}
    if missing := [str(given) for given in reference if str(given) not in known]:
        raise ParameterError(
            f"The reference {missing[0]} is none of the files. Try one of: {', '.join(map(str, paths))}."
        )
    return [known[str(given)] for given in reference]
