"""Which chunks of a Zarr array are there: one that is missing is empty, as Zarr means it, or it was lost.

Zarr reads both as the fill value. Here a chunk may be missing only if it was missing when the array was opened, and the
metadata of the array are still there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import ceil, prod
from pathlib import Path

import zarr

from spaxel.errors import ReadError

MOST = 10**6  # names of chunks that are held of an array that has not all of them
_NUMBERS = re.compile(r"\d+(\.\d+)*|c")  # the last part of the name of a chunk


@dataclass
class Chunks:
    """What is known of the chunks of the arrays in one store.

    told  : {path of an array: key of the metadata that told of it}
    there : {path of an array: the chunks that it had when it was opened, None for every one}; only of those that were looked at
    holes : {path of an array: (chunks that it had not, chunks in all)}
    unlisted : paths of the arrays whose chunks could not be listed
    complete : every chunk of every array was written
    """

    told: dict[str, str] = field(default_factory=dict)
    there: dict[str, frozenset[str] | None] = field(default_factory=dict)
    holes: dict[str, tuple[int, int]] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    complete: bool = False

    def look(self, array: zarr.Array, stored: Callable[[str], Iterable[str]]) -> None:
        """Note which chunks of an array are there. stored : path of an array -> the names of its chunks, as keys below it"""
        place, total = array.path, n_files(array)
        names = list(islice(stored(place), MOST + 1))
        count = len(names) if len(names) <= MOST else sum(1 for _ in stored(place))
        if count >= total:
            self.there[place] = None
            return
        self.holes[place] = (total - count, total)
        if count <= MOST:
            self.there[place] = frozenset(names)

    def expect_all(self, place: str) -> None:
        """Note that an array was written with every chunk, also with those of one value."""
        self.there[place] = None

    def metadata_of(self, key: str) -> str:
        """The key of the metadata that told of the array to which a chunk belongs, "" for what is no chunk of one."""
        return self.told.get(place, "") if (place := self._place(key)) is not None else ""

    def check_missing(self, store: object, key: str, *, metadata: bool) -> None:
        """ReadError if what is missing at a key is a chunk that was there when its array was opened.

        store : as it is named to the user      metadata : whether those of the array are still there
        """
        if self.complete and is_chunk(key):
            raise ReadError(f"{store}/{key} is missing, so {store} is damaged. Try to make it again.")
        place = self._place(key)
        if place is None:
            return
        if not metadata:
            raise ReadError(f"{store} is gone, or its metadata are, while it is read. Try to copy it again.")
        expected = self.there.get(place, frozenset())
        if expected is None or key[len(place) :].lstrip("/") in expected:
            raise ReadError(f"{store} is damaged: its chunk {key} is missing. Try to copy it again.")

    def _place(self, key: str) -> str | None:
        """The array that a chunk belongs to: the longest path above it; None for metadata, and for what is in no array."""
        place, name = key, key.rpartition("/")[2]
        while place and _NUMBERS.fullmatch(name):
            place = place.rpartition("/")[0]
            if place in self.told:
                return place
        return None


def n_files(array: zarr.Array) -> int:
    """How many files an array has if every chunk is there: one for each shard, or chunk."""
    return prod(ceil(n / c) for n, c in zip(array.shape, array.shards or array.chunks, strict=True))


def is_chunk(key: str) -> bool:
    """Whether a key is that of a chunk, by its last part."""
    return _NUMBERS.fullmatch(key.rpartition("/")[2]) is not None


def stored_in(folder: Path) -> Iterator[str]:
    """The names of the chunks that are in a folder, as keys below it."""
    for at, _, files in os.walk(folder):
        below = "" if (inside := os.path.relpath(at, folder)) == "." else f"{inside.replace(os.sep, '/')}/"
        yield from (f"{below}{name}" for name in files if _NUMBERS.fullmatch(name))
