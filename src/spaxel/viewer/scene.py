"""What a viewer opens: a run with or without its cube, a file, or what is in memory; and what is missing, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import as_cube
from spaxel.errors import ParameterError, SpaxelError
from spaxel.preprocess import repeat
from spaxel.readers import open_cube
from spaxel.results.convention import check_result
from spaxel.store.addresses import address_of
from spaxel.store.here import check_local
from spaxel.store.run_folder import RESULT, is_run, read_json, read_result
from spaxel.viewer.reading import KEPT
from spaxel.viewer.screen import BLOCK_BYTES
from spaxel.viewer.spectra import MOST_BYTES


class Room(NamedTuple):
    """Bytes: of windows that are kept, of what is read at once, and of a region whose spectrum is taken."""

    kept: int
    block: int
    region: int


USUAL = Room(KEPT, BLOCK_BYTES, MOST_BYTES)


@dataclass(frozen=True, eq=False)
class Scene:
    """One image. Never changed: what people edit lives in the State of their window.

    name    : for people         path : of the run or the file, None for what is in memory
    run     : run.json, or {}    result : of the run, lazily, or None
    cube    : the cube after the steps of the run, lazily, on the channels of the result; or None
    missing : why there is no cube, and what to try; "" if there is one
    kept    : what has been read of it, shared by all windows (spaxel.viewer.reading)
    memory  : bytes that its windows may take together, None where nobody said
    """

    name: str
    path: Path | None = None
    run: dict[str, Any] = field(default_factory=dict)
    result: xr.Dataset | None = None
    cube: xr.Dataset | None = None
    missing: str = ""
    kept: dict[Any, Any] = field(default_factory=dict)
    memory: int | None = None

    @property
    def room(self) -> Room:
        """How its memory is divided."""
        return USUAL if self.memory is None else Room(*(min(n, self.memory * n // sum(USUAL)) for n in USUAL))

    @property
    def data(self) -> xr.Dataset:
        """The cube, else the result: for its axis, its attributes and its size."""
        found = self.cube if self.cube is not None else self.result
        if found is None:
            raise ParameterError("There is neither a run nor a cube to look at. Try a run or a file.")
        return found

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) pixels."""
        return self.data.sizes["y"], self.data.sizes["x"]

    @property
    def origin(self) -> str:
        """'upper': row 0 is on top; 'lower': at the bottom."""
        return str(self.data.attrs.get("origin", "upper"))


def open_scenes(things: Sequence[Any], cube: Any = None, *, memory: int | None = None, **options: Any) -> list[Scene]:
    """What was asked for, opened lazily; a run of several cubes is as many scenes.

    things  : runs (folders), files, results or cubes in memory, fitted results with `cube` beside them
    cube    : file or cube of the one run or result, where it is not found at its recorded place
    memory  : bytes that all windows may take together, beside what the libraries hold; one tile of a file is always read
    options : of open_cube, for files and for `cube`
    Raises what open_cube and read_run raise, ParameterError if `cube` cannot belong to several runs.
    """
    scenes = [scene for thing in things for scene in _opened(thing, cube, options)]
    if cube is not None and len(scenes) != 1:
        raise ParameterError(f"One cube cannot belong to {len(scenes)} runs. Try to view one run with its cube.")
    return scenes if memory is None else [replace(scene, memory=memory // len(scenes)) for scene in scenes]


def _opened(thing: Any, cube: Any, options: dict[str, Any]) -> list[Scene]:
    if not isinstance(thing, (str, Path)):
        return [_in_memory(thing, cube, options)]
    path = check_local(str(thing))
    if not (path.is_dir() and is_run(path)):
        if cube is not None:
            raise ParameterError(f"{path} is no run, so that no other cube belongs to it. Try to view the file alone.")
        found = open_cube(path, **options)
        return [Scene(path.name, path, cube=found)]
    folders = [path] if (path / RESULT).is_dir() else sorted(child.parent for child in path.glob(f"*/{RESULT}"))
    return [_run(folder, cube, options) for folder in folders] or [_run(path, cube, options)]


def _in_memory(thing: Any, cube: Any, options: dict[str, Any]) -> Scene:
    if isinstance(thing, xr.Dataset) and "labels" in thing:
        result = check_result(thing)
        given = open_cube(cube, **options) if cube is not None else _recorded(str(result.attrs.get("source", "")), {})
        treated, missing = fitting(given, result)
        return Scene(
            Path(str(result.attrs.get("source", ""))).name or "result", result=result, cube=treated, missing=missing
        )
    found = as_cube(thing)
    return Scene(Path(str(found.attrs.get("source", ""))).name or "cube", cube=found)


def _run(folder: Path, cube: Any, options: dict[str, Any]) -> Scene:
    run, result = read_json(folder), read_result(folder)
    name = str(run.get("name") or folder.name)
    if cube is not None:
        given: Any = open_cube(cube, **options)
    else:
        held = run.get("input") or {}
        given = _recorded(str(held.get("path", "")), {"reader": held.get("reader") or None} | options)
    treated, missing = fitting(given, result)
    return Scene(name, folder, run, result, treated, missing)


def _recorded(path: str, options: dict[str, Any]) -> xr.Dataset | str:
    """The cube at its recorded place, or why it cannot be opened."""
    if not path or (address_of(path) is None and not Path(path).exists()):
        return f"The cube is not at its place ({path})." if path else "It is not known where the cube lies."
    try:
        return open_cube(path, **options)
    except SpaxelError as error:
        return f"The cube cannot be opened: {error}"


def fitting(given: xr.Dataset | str, result: xr.Dataset) -> tuple[xr.Dataset | None, str]:
    """(the cube after the steps of a result, "") or (None, why not and what to try). given : a cube, or why there is none."""
    lost = "Maps and spectra of components are shown all the same; spectra of pixels are not. Try --cube FILE."
    if isinstance(given, str):
        return None, f"{given} {lost}"
    size = tuple(given.sizes[d] for d in ("y", "x"))
    if size != result["labels"].shape:
        rows, columns = result["labels"].shape
        return None, f"The cube has {size[0]} x {size[1]} pixels, the run {rows} x {columns}: it is another one. {lost}"
    try:
        treated = repeat(given, steps_of(result))
    except SpaxelError as error:
        return None, f"The steps of the run cannot be repeated on this cube: {error} {lost}"
    if "channel" in result.coords and not _same_axis(treated, result):
        return None, f"The cube has other channels than the run. {lost}"
    return treated, ""


def steps_of(result: xr.Dataset) -> list[dict[str, Any]]:
    """What was done to the spectra before the fit."""
    steps = result.attrs.get("steps", [])
    found = json.loads(steps) if isinstance(steps, str) else list(steps)
    return [json.loads(step) if isinstance(step, str) else step for step in found]


def _same_axis(cube: xr.Dataset, result: xr.Dataset) -> bool:
    a, b = np.asarray(cube["channel"], float), np.asarray(result["channel"], float)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-6))


def titles_of(scenes: Sequence[Scene]) -> list[str]:
    """What people call each of these, no two alike: its name, or that of its folder where several runs are of one file."""
    names = [scene.name for scene in scenes]
    called = [
        scene.path.name if names.count(name) > 1 and scene.path is not None else name
        for name, scene in zip(names, scenes, strict=True)
    ]
    return [f"{name} {i + 1}" if called.count(name) > 1 else name for i, name in enumerate(called)]


def series_home(scene: Scene) -> Path | None:
    """The run of several cubes that a scene is one of; None where it is a run of its own, or none."""
    return scene.path.resolve().parent if scene.path is not None and scene.run.get("model") == ".." else None
