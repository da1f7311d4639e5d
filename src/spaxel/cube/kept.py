"""Which tiles of a map are finished, kept in a folder while it is made: a command that was killed goes on with the others.

    N-HASH/maps/NAME        the N-th maps begun inside `keeping`, see spaxel.cube.stored; the hash is of what is mapped
    N-HASH/finished.npz     the journal: which tiles are finished, and the sums over them

The journal takes its place when it is whole and on the disk, at most once a second. In the first seconds of a map there is
none, and small maps are in memory only: short ones cost nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.cube.stored import Maps
from spaxel.cube.tiles import Tile

EARLY = 10.0  # seconds of a map in which nothing is kept
OFTEN = 1.0  # seconds between two journals, at least
SELDOM = 20  # times as long as writing one takes, at least
JOURNAL = "finished.npz"

Arrays = dict[str, np.ndarray]


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
    """The finished tiles of one map, and the sums over them. Outside of `keeping` nothing is on the disk.

    sums : by name, added over all tiles that were told; they are exact, so in any order
    """

    def __init__(self, fill: dict[str, Any], about: str = "") -> None:
        self.sums: Arrays = {}
        self._since, self._copied = time.monotonic(), False
        self._next, self.folder = self._since + EARLY, _folder(fill, about)
        self._journal = None if self.folder is None else _read_journal(self.folder / JOURNAL)

    @property
    def arrays(self) -> Path | None:
        """Where the maps may lie."""
        return None if self.folder is None else self.folder / "maps"

    @property
    def sides(self) -> tuple[int, int] | None:
        """Of the tiles that were kept; None where none was."""
        return None if self._journal is None else (int(self._journal["sides"][0]), int(self._journal["sides"][1]))

    def go_on(self, maps: Maps, tiles: Sequence[Tile]) -> list[int]:
        """The numbers of the tiles that are left to do; what was kept of the others is in the maps and in the sums."""
        self._maps, self._tiles = maps, tiles
        self._counted, self._done = np.zeros(len(tiles), bool), np.zeros(len(tiles), bool)
        held = self._journal
        if maps.regions is None:
            return list(range(len(tiles)))
        if held is not None and held["done"].shape == (len(tiles),) and maps.regions.made():
            self._copied = True
            self._counted = held["done"].copy()
            self.sums = {name.partition(".")[2]: held[name] for name in held if name.startswith("sums.")}
            for i in map(int, np.flatnonzero(self._counted)):
                if maps.regions.whole(tiles[i]):
                    maps.take_in(tiles[i])
                    self._done[i] = True
        elif maps.on_disk:
            maps.regions.make()
        return [int(i) for i in np.flatnonzero(~self._done)]

    def keep(self, i: int, sums: Arrays) -> None:
        """The tile of this number is finished, and written to the maps."""
        if not self._counted[i]:  # one that was counted was damaged, and is made again
            for name, values in sums.items():
                self.sums[name] = self.sums[name] + values if name in self.sums else values
        self._counted[i] = self._done[i] = True
        if self._copied:
            self._maps.copy_out(self._tiles[i])
        if time.monotonic() >= self._next:
            self.settle()

    def settle(self) -> None:
        """Have on the disk which tiles are finished, if the map is no short one."""
        now = time.monotonic()
        if self.folder is None or now - self._since < EARLY or self._maps.regions is None:
            return
        if not self._copied and not self._maps.on_disk:
            self._maps.regions.make()
            for i in map(int, np.flatnonzero(self._done)):
                self._maps.copy_out(self._tiles[i])
        self._copied = True
        held = {f"sums.{name}": np.asarray(values) for name, values in self.sums.items()}
        _write_journal(
            self.folder / JOURNAL, {"done": self._counted, "sides": np.array(self._maps.regions.sides), **held}
        )
        self._next = time.monotonic() + max(OFTEN, SELDOM * (time.monotonic() - now))


def _folder(fill: dict[str, Any], about: str) -> Path | None:
    """Of the map that is begun now."""
    if (place := _place.get()) is None:
        return None
    what = {name: [str(np.asarray(value).dtype), np.asarray(value).tolist()] for name, value in fill.items()}
    digest = hashlib.sha256(json.dumps([what, about], default=str).encode()).hexdigest()[:16]
    place.begun += 1
    return place.folder / f"{place.begun - 1}-{digest}"


def _read_journal(file: Path) -> Arrays | None:
    """What a journal holds; None if there is none, or a damaged one: then all is made again."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            found = {name: held[name] for name in held.files}
        return found if found["done"].dtype == bool and found["sides"].shape == (2,) else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write_journal(file: Path, arrays: dict[str, Any]) -> None:
    beside = file.with_suffix(".part")
    try:
        with beside.open("wb") as stream:
            np.savez(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, file)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
