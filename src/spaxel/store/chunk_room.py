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


_PACKERS = {*_STREAMS, "blosc", "lz4", "zstd", "pcodec", "zfpy"}
_BLOCK = 2**17  # bytes that a block of zstd holds at most


class Room(NamedTuple):
    """What a chunk of an array holds: bytes once unpacked, the codec that packs it last; its own chunks if it is a shard."""

    nbytes: int
    codec: str
    shard: Shard | None = None


class Shard(NamedTuple):
    """The chunks in one file: how many, bytes of the index that says where they lie, whether it comes first, the room of each.

    order : of the bytes of the index, "<" or ">"
    """

    many: int
    nbytes: int
    first: bool
    order: str
    room: Room


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
            sides, itemsize = [int(n) for n in array["chunks"]], np.dtype(array["dtype"]).itemsize
            packed = array.get("compressor")
            codecs = [*(array.get("filters") or ()), *([packed] if packed else ())]
        else:
            sides = [int(n) for n in array["chunk_grid"]["configuration"]["chunk_shape"]]
            itemsize, codecs = np.dtype(array["data_type"]).itemsize, array["codecs"]
        return _chain_room(sides, itemsize, codecs)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        return None


def _chain_room(sides: list[int], itemsize: int, codecs: list[Any]) -> Room:
    """The room of chunks with these sides, packed by these codecs one after the other. ReadError for those packed twice."""
    names = [_name(codec) for codec in codecs]
    packed = [name for name in names if name in _PACKERS or name == "sharding_indexed"]
    if len(packed) > 1:
        raise ReadError(
            f"an array here is packed {len(packed)} times ({', '.join(packed)}), so that nothing says what it unpacks to. Try "
            "to write it again, packed once."
        )
    shard = _shard(sides, itemsize, codecs[0]["configuration"]) if names[:1] == ["sharding_indexed"] else None
    return Room(prod(sides) * itemsize, (packed or names or [""])[-1], shard)


def _shard(sides: list[int], itemsize: int, told: dict[str, Any]) -> Shard:
    """The chunks of a shard, by the configuration of its codec. Raises what is wrong in it (KeyError, ValueError …)."""
    inner = [int(n) for n in told["chunk_shape"]]
    count = prod(side // one for side, one in zip(sides, inner, strict=True))
    order, extra = "<", 0
    for codec in told["index_codecs"]:
        name = _name(codec)
        if name not in ("bytes", "endian", "crc32c"):
            raise ReadError(
                f"a shard here has an index packed by {name}, which is not read. Try to write it again plainly."
            )
        extra += 4 * (name == "crc32c")
        if isinstance(codec, dict) and (codec.get("configuration") or {}).get("endian") == "big":
            order = ">"
    first = told.get("index_location") == "start"
    return Shard(count, 16 * count + extra, first, order, _chain_room(inner, itemsize, told["codecs"]))


def _name(codec: Any) -> str:
    """The name of a codec of Zarr 2 or 3."""
    named = codec.get("name", codec.get("id", "")) if isinstance(codec, dict) else codec
    return str(named).removeprefix("numcodecs.")


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
    unpacked = _said(packed, room.codec, most)
    if room.codec in _STREAMS and (room.codec in ("bz2", "lzma") or size * _DEFLATED > most + LARGE // 4):
        unpacked = _counted(packed, _STREAMS[room.codec](), most)
    if unpacked > most:
        raise ReadError(f"{path} unpacks to more than the {room.nbytes} bytes of a chunk of this array. It is damaged.")


def _said(packed: Any, codec: str, most: int = 2**62) -> int:
    """Bytes that a packed chunk announces, looked for no further than `most`; 0 if it announces none."""
    if codec == "zstd":
        return _of_zstd(packed, most)
    if codec in ("blosc", "lz4") and len(packed) >= 8:
        return int(struct.unpack_from("<I", bytes(packed[:8]), 4 if codec == "blosc" else 0)[0])
    return 0


def _of_zstd(packed: Any, most: int) -> int:
    """Bytes that frames of zstd unpack to: what the first says, else what their blocks hold at most (RFC 8878, 3.1.1).

    Counted no further than `most`. A block that is packed holds up to 128 KiB, or the window of its frame.
    """
    count, at, view = 0, 0, memoryview(packed)
    while count <= most and at + 6 <= len(view):
        magic = int.from_bytes(view[at : at + 4], "little")
        if magic & ~0xF == 0x184D2A50:  # a frame to skip
            at += 8 + int.from_bytes(view[at + 4 : at + 8], "little")
            continue
        if magic != 0xFD2FB528:
            break  # damage is for others to say
        told, window = view[at + 4], view[at + 5]
        field = (1 if told & 0x20 else 0, 2, 4, 8)[told >> 6]
        at += 5 + (0 if told & 0x20 else 1) + (0, 1, 2, 4)[told & 3]
        if field:
            return count + int.from_bytes(view[at : at + field], "little") + (256 if field == 2 else 0)
        largest, last = min(_BLOCK, (1 << (7 + (window >> 3))) * (8 + (window & 7))), False
        while count <= most and not last and at + 3 <= len(view):
            head = int.from_bytes(view[at : at + 3], "little")
            last, kind, size = bool(head & 1), (head >> 1) & 3, head >> 3
            count += largest if kind == 2 else size
            at += 3 + (1 if kind == 1 else size)
        at += 4 if told & 4 else 0  # a checksum
    return count


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
