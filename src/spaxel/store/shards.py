"""Shards of Zarr: many chunks in one file, each of them asked how much it unpacks to before it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from zarr.abc.store import RangeByteRequest, SuffixByteRequest

from spaxel.errors import ReadError
from spaxel.store.chunk_room import Room, Shard, check_chunk

MOST_CHUNKS = 2**20  # in one shard: an index of 16 MiB


def check_read(path: PurePath, held: Any, room: Room, asked: Any = None) -> None:
    """ReadError if what was read of a chunk, or of a shard, would unpack to far more than its array says of it.

    held : the bytes      room : of the array      asked : which of them, as Zarr asks; None for all
    """
    shard = room.shard
    if shard is None:
        check_chunk(path, held, room)
        return
    if shard.many > MOST_CHUNKS:
        raise ReadError(
            f"{path} is a shard of {shard.many:,} chunks, which is not believed. Try to write it again in larger chunks."
        )
    if asked is None:
        for start, end in _places(path, held, shard):
            check_read(path, held[start:end], shard.room)
    elif not _is_index(asked, shard):
        check_read(path, held, shard.room)


def _is_index(asked: Any, shard: Shard) -> bool:
    """Whether Zarr asked for the index of a shard, and not for a chunk in it."""
    if isinstance(asked, SuffixByteRequest):
        return True
    return shard.first and isinstance(asked, RangeByteRequest) and (asked.start, asked.end) == (0, shard.nbytes)


def _places(path: PurePath, held: Any, shard: Shard) -> Iterator[tuple[int, int]]:
    """Where the chunks of a whole shard begin and end. ReadError if their index is not there."""
    if len(held) < shard.nbytes:
        raise ReadError(
            f"{path} has {len(held)} bytes, and the index of this shard alone {shard.nbytes}. It is damaged."
        )
    head = held[: shard.nbytes] if shard.first else held[len(held) - shard.nbytes :]
    index = np.frombuffer(bytes(head[: 16 * shard.many]), shard.order + "u8").reshape(-1, 2)
    for start, length in index[(index != 2**64 - 1).any(1)].tolist():  # both are that where a chunk is not stored
        if start + length > len(held):
            raise ReadError(f"{path} has {len(held)} bytes, and a chunk in it ends at {start + length}. It is damaged.")
        yield start, start + length
