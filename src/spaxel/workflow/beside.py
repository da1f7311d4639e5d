"""What lies beside a result in a run folder: its score, colours, tables, and what run.json says of all these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import NotFound, ParameterError
from spaxel.figures.palette import component_colors
from spaxel.figures.reduce import small_map
from spaxel.metrics import score
from spaxel.results.numbers import any_label
from spaxel.results.presence import Presence, is_new, kept, new_here, presence, recalled
from spaxel.store.addresses import stem_of
from spaxel.store.cuts import CUTS
from spaxel.store.places import is_plain
from spaxel.store.run_folder import read_json, read_result
from spaxel.workflow.tables import write_abundances, write_activation, write_components, write_labels, write_shares

SIDE = 256  # of the maps that colours are dealt for; smaller for more than 8 results, so that they stay small together


def scored(result: xr.Dataset) -> dict[str, Any]:
    """{"score": …} where the result holds a truth with at least one label, else {}."""
    known = "truth_labels" in result and any_label(result["truth_labels"])
    return {"score": score(result, result)} if known else {}


def common_colors(results: Sequence[xr.Dataset]) -> list[str]:
    """Colours by place in the palette, dealt for the maps of all these results of one model together."""
    side = max(16, int(SIDE * min(1.0, (8 / len(results)) ** 0.5)))
    small = [small_map(result, "labels", side) for result in results]
    width = max(labels.shape[1] for labels in small)
    padded = [np.pad(labels, ((0, 1), (0, width - labels.shape[1])), constant_values=-1) for labels in small]
    both = xr.Dataset({"labels": (("y", "x"), np.concatenate(padded))})
    if "component_color" in results[0]:
        both["component_color"] = ("component", results[0]["component_color"].values)
    return component_colors(both)


def write_beside(
    folder: Path, name: str, result: xr.Dataset, others: Sequence[Presence] | None = None
) -> dict[str, Any]:
    """The tables of one result; returns what run.json says of presence: `presence` (what is new) and `activation`.

    others : presence in the cubes that this one is compared with; None if there are none
    """
    write_components(folder, result)
    write_labels(folder, result)
    if "abundances" in result:
        write_abundances(folder, result)
        return {"presence": {}}
    here = presence(result)
    new = is_new(here, others or [])
    write_activation(folder, {name: here}, {name: new})
    return _said(here, new, len(others or []))


def write_joined(folder: Path, names: Sequence[str], reference: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """activation.csv of a run of several cubes, and of each of them with what is new in it.

    Returns what run.json of each cube says of presence, as `write_beside`; {} of abundances, which have tables of their own.
    """
    results = {name: read_result(folder / name) for name in names}
    for name, result in results.items():
        write_components(folder / name, result)
        write_labels(folder / name, result)
    write_shares(folder, results)
    if any("abundances" in result for result in results.values()):
        for name, result in results.items():
            write_abundances(folder / name, result)
        return {name: {} for name in names}
    found = {name: presence(result) for name, result in results.items()}
    new = new_here(found, reference)
    write_activation(folder, found, new)
    for name, here in found.items():
        write_activation(folder / name, {name: here}, {name: new[name]})
    compared = reference or names
    return {name: _said(here, new[name], len([o for o in compared if o != name])) for name, here in found.items()}


def _said(here: Presence, new: np.ndarray, compared_with: int) -> dict[str, Any]:
    return {"presence": {"new": np.flatnonzero(new).tolist(), "compared_with": compared_with}, "activation": kept(here)}


def cubes_of(run: Path) -> list[Presence]:
    """Presence in the cubes that new ones are compared with: the reference of a run, else all that it has labels of."""
    about = read_json(run)
    names = about.get("reference") or list(about.get("inputs", {})) or [""]
    try:
        results = [read_result(run / name) for name in names]
    except NotFound:
        return []
    labels = [(name, result) for name, result in zip(names, results, strict=True) if "abundances" not in result]
    return [recalled(result, read_json(run / name)) for name, result in labels]


def folder_names(paths: Sequence[str | Path]) -> list[str]:
    """A folder name for each file: its stem, with a number where stems repeat; no name twice, none that is no plain name."""
    stems = [_plain_stem(stem_of(path)) for path in paths]
    names: list[str] = []
    for i, stem in enumerate(stems):
        name = stem if stems.count(stem) == 1 else f"{stem}-{i}"
        while name in names or (name != stem and name in stems):
            name += "-"
        names.append(name)
    return names


def _plain_stem(stem: str) -> str:
    """The stem of a file as the name of a folder on every system: as it is wherever that is one."""
    if is_plain(stem) and stem != CUTS:
        return stem
    plain = re.sub(r"[\\/:\x00-\x1f]", "-", stem)
    return plain if is_plain(plain) and plain != CUTS else f"{plain or 'cube'}-"


def referred(reference: Sequence[str | Path], names: Sequence[str], paths: Sequence[str | Path]) -> list[str]:
    """The names of the cubes that are given as reference, by name or path. Raises ParameterError."""
    known = {str(path): name for path, name in zip(paths, names, strict=True)} | {name: name for name in names}
    if missing := [str(given) for given in reference if str(given) not in known]:
        raise ParameterError(
            f"The reference {missing[0]} is none of the files. Try one of: {', '.join(map(str, paths))}."
        )
    return [known[str(given)] for given in reference]
