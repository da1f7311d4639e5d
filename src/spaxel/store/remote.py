"""Zarr arrays at an address: read chunk by chunk through Zarr's own FsspecStore, with the checks of those on this computer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from zarr.abc.store import RangeByteRequest
from zarr.storage import FsspecStore

from spaxel.errors import ReadError, called, in_words
from spaxel.store.addresses import opened
from spaxel.store.chunk_room import SPARE, TIMES
from spaxel.store.chunks_there import Chunks, is_chunk
from spaxel.store.codecs import METADATA, CheckedStore, checked, room_of
from spaxel.store.copies import MOST_METADATA, Remote, remote_of


class CheckedRemote(FsspecStore):
    """Zarr at an address, to read. The same is refused as by CheckedStore; no more of a chunk is read than it can have.

    fs, path : as FsspecStore takes them      root : as it is named to people      remote : where it lies, with the options
    """

    def __init__(
        self, fs: Any, path: str, *, root: str = "", complete: bool = False, remote: Remote | None = None
    ) -> None:
        super().__init__(fs, read_only=True, path=path)
        self.root, self.remote = PurePosixPath(root or path), remote
        self.rooms: dict[str, Any] = {}
        self.chunks = Chunks(complete=complete)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """The bytes of a key, checked."""
        most = self._most(key) if byte_range is None else 0
        asked = RangeByteRequest(0, most + 1) if most else byte_range
        with in_words(self.root / key, "cannot be read", "Try again, and check the connection."):
            held = await super().get(key, prototype, asked)
            missing = held is None and bool(told := self.chunks.metadata_of(key)) and await self.exists(told)
        if held is None:
            self.chunks.check_missing(self.root, key, metadata=missing)
        elif most and len(held) > most:
            raise ReadError(f"{self.root / key} has more than {most:,} bytes, which no such key has. It is damaged.")
        return checked(self.root, key, held, self.rooms, self.chunks, byte_range)

    def stored(self, place: str) -> Iterator[str]:
        """The names of the chunks of an array that are there. Raises what the library raises that cannot list them."""
        if self.remote is None:
            raise NotImplementedError("a store that was opened without an address")
        files, path = opened(*self.remote)
        base = f"{path.rstrip('/')}/{place}".rstrip("/")
        for name in files.find(base):
            if is_chunk(inside := name[len(base) :].lstrip("/")):
                yield inside

    def _most(self, key: str) -> int:
        """Bytes that may lie at a key; 0 for a shard, of which pieces are read."""
        if key.rpartition("/")[2] in METADATA:
            return MOST_METADATA
        room = room_of(key, self.rooms)
        return 0 if room is None or room.codec == "sharding_indexed" else TIMES * room.nbytes + SPARE


def store_at(folder: Path, *, complete: bool = False) -> CheckedStore | CheckedRemote:
    """The store of a Zarr folder, of this computer or of the address that it stands for (spaxel.store.copies).

    complete : every chunk was written, so that one that is missing is an error
    """
    remote = remote_of(folder)
    if remote is None:
        return CheckedStore(folder, complete=complete)
    files, path = opened(*remote)
    return CheckedRemote(_waiting(files), path, root=called(remote.address), complete=complete, remote=remote)


def _waiting(files: Any) -> Any:
    """A file system of fsspec as one that is waited for in the loop of Zarr."""
    if files.async_impl:
        return type(files)(*files.storage_args, **{**files.storage_options, "asynchronous": True})
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

    return AsyncFileSystemWrapper(files, asynchronous=True)


def listed(folder: Path) -> tuple[int, str]:
    """(bytes, SHA-256 of names, sizes and checksums that the store keeps) of all that lies where a folder stands for it."""
    remote = remote_of(folder)
    if remote is None:
        raise NotImplementedError(f"{folder} stands for no address")
    files, path = opened(*remote)
    found = files.find(path, detail=True)
    digest = hashlib.sha256()
    for name in sorted(found):
        about = found[name]
        told = [about.get(key) for key in ("size", "ETag", "etag", "md5Hash", "CRC", "mtime", "LastModified")]
        digest.update(f"{name[len(path) :]} {told}\n".encode(errors="surrogateescape"))
    return sum(about.get("size") or 0 for about in found.values()), digest.hexdigest()
