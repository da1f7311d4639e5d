"""How much a chunk of a Zarr array may hold once it is unpacked: known from the metadata, asked before anything is unpacked."""

from __future__ import annotations

import bz2
import lzma
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np

from spaxel.errors import ReadError

SPARE, TIMES = 2**20, 2  # a chunk may unpack to so many bytes more, and so many times what its array says of it
LARGE, RATIO = 2**29, 200  # a chunk as large as this, of so many times the bytes that are stored, is not believed
PIECE = 2**16
_STREAMS: dict[str, Any] = {
    "gzip": lambda: zlib.decompressobj(31),
    "zlib": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
_DEFLATED = 1032  # times that deflate can pack at most


class Room(NamedTuple):
    """What the chunks of an array hold: bytes once unpacked, and the codec that packs them last."""

    nbytes: int
    codec: str


def rooms_in(place: str, metadata: Any) -> Iterator[tuple[str, Room]]:
    """(path of the array, room of its chunks) in metadata of Zarr 2 or 3, consolidated or not. place : of the metadata"""
    if not isinstance(metadata, dict):
        return
    if (room := _room(metadata)) is not None:
        yield place, room
    inline = metadata.get("consolidated_metadata")
    for held in (metadata, inline if isinstance(inline, dict) else {}):
        inside = held.get("metadata")
        for name, one in inside.items() if isinstance(inside, dict) else ():
            below = str(name).removesuffix(".zarray").strip("/")
            yield from rooms_in("/".join(part for part in (place, below) if part), one)


def _room(array: dict[str, Any]) -> Room | None:
    """The room of an array of which these are the metadata; None if they are of no array, or not of numbers."""
    try:
        if "chunks" in array:
            shape, kind, last = array["chunks"], array["dtype"], array.get("compressor")
            codec = last.get("id") if isinstance(last, dict) else ""
        else:
            shape, kind = array["chunk_grid"]["configuration"]["chunk_shape"], array["data_type"]
            codec = array["codecs"][-1]
            codec = codec.get("name") if isinstance(codec, dict) else codec
        return Room(prod(int(n) for n in shape) * np.dtype(kind).itemsize, str(codec).removeprefix("numcodecs."))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None


def check_file(path: Path, room: Room | None) -> None:
    """ReadError if a chunk is no file, as a link to a device, or is far larger than it can be. Nothing is read."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return  # a chunk that is not there is for others
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise ReadError(f"{path} is no file, and a chunk of an array has to be one. Try to copy the folder again.")
    if room is not None and room.codec != "sharding_indexed" and status.st_size > TIMES * room.nbytes + SPARE:
        raise ReadError(f"{path} has {status.st_size} bytes, and a chunk of this array {room.nbytes}. It is damaged.")


def check_chunk(path: PurePath, packed: Any, room: Room) -> None:
    """ReadError if a chunk would unpack to far more than its array says of it, or its array says more than anyone stores so."""
    size, most = len(packed), TIMES * room.nbytes + SPARE
    if room.nbytes > LARGE and room.nbytes > RATIO * size:
        raise ReadError(
            f"{path} unpacks from {size} bytes to {room.nbytes / 2**30:.1f} GiB, which is not believed. Try to write the array "
            "again in smaller chunks."
        )
    unpacked = _said(bytes(packed[:18]), room.codec)
    if room.codec in _STREAMS and (room.codec in ("bz2", "lzma") or size * _DEFLATED > most + LARGE // 4):
        unpacked = _counted(packed, _STREAMS[room.codec](), most)
    if unpacked > most:
        raise ReadError(f"{path} unpacks to more than the {room.nbytes} bytes of a chunk of this array. It is damaged.")


def _said(head: bytes, codec: str) -> int:
    """Bytes that the head of a packed chunk announces; 0 if it announces none."""
    if codec == "blosc" and len(head) >= 8:
        return int(struct.unpack_from("<I", head, 4)[0])
    if codec == "lz4" and len(head) >= 4:
        return int(struct.unpack_from("<I", head)[0])
    if codec == "zstd" and head[:4] == b"\x28\xb5\x2f\xfd" and len(head) > 4:  # RFC 8878, 3.1.1.1
        described = head[4]
        size = (1 if described & 0x20 else 0, 2, 4, 8)[described >> 6]
        at = 5 + (0 if described & 0x20 else 1) + (0, 1, 2, 4)[described & 3]
        return int.from_bytes(head[at : at + size], "little") + (256 if size == 2 else 0)
    return 0


def _counted(packed: Any, stream: Any, most: int) -> int:
    """Bytes that a stream unpacks to, counted piece by piece and no further than `most`; damage is for others to say."""
    count, view, at, left = 0, memoryview(packed), 0, b""
    try:
        while count <= most and not stream.eof and (left or at < len(view)):
            if not left:
                left, at = bytes(view[at : at + PIECE]), at + PIECE
            count += len(stream.decompress(left, 2**20))
            left = getattr(stream, "unconsumed_tail", b"")
            while count <= most and not stream.eof and not getattr(stream, "needs_input", True):
                count += len(stream.decompress(b"", 2**20))
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        pass
    return count
