"""Zarr folders of strangers: opened only if every codec in their metadata is one that computes and runs nothing else.

A Zarr array names the codecs that decode its chunks, and numcodecs has one, `pickle`, that runs whatever the chunk says.
So the metadata are checked in the very bytes that Zarr reads, whatever their place: version 2 (.zarray, .zmetadata),
version 3 (zarr.json, consolidated or not, shards), nested groups, folders behind links.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, Literal

from zarr.storage import LocalStore, ZipStore

from spaxel.errors import ReadError
from spaxel.store.chunk_room import Room, check_file, rooms_in
from spaxel.store.chunks_there import Chunks, stored_in
from spaxel.store.shards import check_read

METADATA = (".zarray", ".zmetadata", "zarr.json")
CODECS = frozenset(
    (
        *("bytes", "endian", "transpose", "sharding_indexed", "vlen-utf8", "vlen-bytes"),
        *("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd", "packbits", "pcodec", "zfpy"),
        *("astype", "bitround", "delta", "fixedscaleoffset", "quantize", "shuffle"),
        *("adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"),
    )
)  # of Zarr and numcodecs; not: pickle, json2, msgpack2, base64, categorize, and what a stranger's package brings


class CheckedStore(LocalStore):
    """A Zarr folder to read, whose metadata are refused (ReadError) before Zarr sees a codec that is not in CODECS.

    So are chunks that are no files, those that would unpack to more than their array says (see chunk_room), and those that
    are missing though they were there (see chunks_there), or, if all were written (`complete`), that are missing.
    """

    def __init__(self, root: Path | str, *, read_only: bool = True, complete: bool = False) -> None:
        super().__init__(root, read_only=read_only)
        self.rooms: dict[str, Room] = {}
        self.chunks = Chunks(complete=complete)

    def stored(self, place: str) -> Iterator[str]:
        """The names of the chunks of an array that are there."""
        return stored_in(self.root / place)

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """The bytes of a key, checked."""
        self._look(key)
        return self._checked(key, await super().get(key, prototype, byte_range), byte_range)

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: Any = None) -> Any:
        """The same, of versions of Zarr that do not wait."""
        self._look(key)
        return self._checked(key, super().get_sync(key, prototype=prototype, byte_range=byte_range), byte_range)

    def _look(self, key: str) -> None:
        """Before anything is read."""
        check_file(self.root / key, room_of(key, self.rooms))

    def _checked(self, key: str, held: Any, asked: Any) -> Any:
        if held is None:
            told = self.chunks.metadata_of(key)
            self.chunks.check_missing(self.root, key, metadata=bool(told) and (self.root / told).is_file())
        return checked(self.root, key, held, self.rooms, self.chunks, asked)


class CheckedZip(ZipStore):
    """A Zarr folder inside a zip, to read, with the same checks."""

    def __init__(self, path: Path | str, *, mode: Literal["r"] = "r", read_only: bool = True, **options: Any) -> None:
        super().__init__(path, mode=mode, read_only=read_only, **options)
        self.rooms: dict[str, Room] = {}

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """The bytes of a key, checked."""
        held = await super().get(key, prototype, byte_range)
        return checked(self.path, key, held, self.rooms, asked=byte_range)


def room_of(key: str, rooms: dict[str, Room]) -> Room | None:
    """The room of the array that a chunk belongs to: that of the longest path above it; None for metadata."""
    place, name = key, key.rpartition("/")[2]
    while rooms and place and name != "zarr.json" and not name.startswith(".z"):
        place = place.rpartition("/")[0]
        if place in rooms:
            return rooms[place]
    return None


def checked(
    root: PurePath, key: str, held: Any, rooms: dict[str, Room], chunks: Chunks | None = None, asked: Any = None
) -> Any:
    """What a store holds at a key, if it may be used: ReadError for a codec that runs something, and for too large a chunk.

    rooms, chunks : of the arrays that were seen so far; those of metadata are added      asked : for a part of a shard
    """
    if held is None:
        return held
    path = root / key
    if path.name in METADATA:
        metadata = check_metadata(path, held.to_bytes())
        try:
            found = dict(rooms_in(key.rpartition("/")[0], metadata))
        except ReadError as error:
            raise ReadError(f"{path}: {error}") from None
        rooms.update(found)
        if chunks is not None:
            chunks.told.update(dict.fromkeys(found, key))
    elif (room := room_of(key, rooms)) is not None:
        check_read(path, held.as_numpy_array().view("u1"), room, asked)
    return held


def check_metadata(path: PurePath, content: bytes) -> Any:
    """The metadata; ReadError if they name a codec that is not in CODECS. None for what is no JSON, which Zarr refuses.

    path : where they were read, for the message      content : of .zarray, .zmetadata or zarr.json
    """
    try:
        metadata = json.loads(content)
    except (ValueError, RecursionError):
        return
    for name in _codecs(metadata):
        known = name.removeprefix("numcodecs.") if isinstance(name, str) else name
        if not isinstance(known, str) or known not in CODECS:
            raise ReadError(
                f"{path} asks for the codec {name!r}, which spaxel does not run: it may be a program and not data. "
                "Try to write the array again with a usual codec (blosc, zstd, gzip), if you trust where it is from."
            )
    return metadata


def _codecs(metadata: Any) -> Iterator[Any]:
    """The names of all codecs in the metadata of an array, or of a group with consolidated ones; not in its attributes."""
    if not isinstance(metadata, dict):
        return
    for key in ("filters", "compressor", "object_codec"):  # version 2
        yield from (_name(codec, "id") for codec in _listed(metadata.get(key)))
    yield from _chain(metadata.get("codecs"))
    inline = metadata.get("consolidated_metadata")
    for held in (metadata, inline if isinstance(inline, dict) else {}):
        inside = held.get("metadata")
        for place, one in inside.items() if isinstance(inside, dict) else ():
            yield from () if place.endswith(".zattrs") else _codecs(one)


def _chain(codecs: Any) -> Iterator[Any]:
    """Codecs of version 3, and those inside a shard."""
    for codec in _listed(codecs):
        yield _name(codec, "name")
        configuration = codec.get("configuration") if isinstance(codec, dict) else None
        for key in ("codecs", "index_codecs"):
            yield from _chain(configuration.get(key) if isinstance(configuration, dict) else None)


def _name(codec: Any, key: str) -> Any:
    return codec.get(key) if isinstance(codec, dict) else codec


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
