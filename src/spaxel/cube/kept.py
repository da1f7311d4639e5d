"""Tiles of a map that are finished, kept in a folder while it is made: a command that was killed goes on with the next one.

    N-HASH/Y0-Y1-X0-X1.npz    of the N-th map that was begun inside `keeping`; the hash is of what is mapped

A file takes its place when it is whole and on the disk. Nothing is kept in the first seconds of a map: short ones cost nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.cube.tiles import Tile

EARLY = 10.0  # seconds of a map in which nothing is kept

Arrays = dict[str, np.ndarray]
Answer = tuple[np.ndarray, Arrays, Arrays]  # which pixels are data, their values by name, sums by name


class Place:
    """Where maps are kept, and how many have been begun."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.begun = folder, 0


_place: ContextVar[Place | None] = ContextVar("spaxel_kept_tiles", default=None)


@contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Inside, the finished tiles of every map (spaxel.cube.mapping.map_tiles) are kept in a folder, and taken from it.

    Whoever calls this answers for the folder: that what lies in it was made from the same cube by the same model.
    """
    token = _place.set(Place(folder))
    try:
        yield
    finally:
        _place.reset(token)


class Kept:
    """The finished tiles of one map. Outside of `keeping` there are none."""

    def __init__(self, fill: dict[str, Any], about: str = "") -> None:
        self._place, self._since, self.folder = _place.get(), time.monotonic(), None
        self.arrays: Path | None = None  # where the maps themselves may lie while they are made
        if self._place is None:
            return
        what = {name: [str(np.asarray(value).dtype), np.asarray(value).tolist()] for name, value in fill.items()}
        digest = hashlib.sha256(json.dumps([what, about], default=str).encode()).hexdigest()[:16]
        self.folder = self._place.folder / f"{self._place.begun}-{digest}"
        self.arrays = self._place.folder / f"{self._place.begun}-arrays"
        self._place.begun += 1

    def answer(self, tile: Tile) -> Answer | None:
        """What was kept of a tile, None if it is not finished."""
        if self.folder is None or not (file := self._file(tile)).is_file():
            return None
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                parts: dict[str, Arrays] = {"pixels": {}, "sums": {}}
                for name in held.files:
                    kind, _, own = name.partition(".")
                    if own:
                        parts[kind][own] = held[name]
                return held["good"], parts["pixels"], parts["sums"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # made again

    def keep(self, tile: Tile, answer: Answer) -> None:
        """A tile is finished."""
        if self.folder is None or time.monotonic() - self._since < EARLY:
            return
        good, pixels, sums = answer
        named: dict[str, Any] = {f"pixels.{name}": values for name, values in pixels.items()}
        named |= {f"sums.{name}": np.asarray(values) for name, values in sums.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(tile)
        beside = file.with_suffix(".part")
        try:
            with beside.open("wb") as stream:
                np.savez(stream, **{"good": good, **named})
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(beside, file)
        except BaseException:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise

    def _file(self, tile: Tile) -> Path:
        return Path(self.folder or "", "-".join(map(str, tile)) + ".npz")
