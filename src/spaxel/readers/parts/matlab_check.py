"""Whether the tags of a MATLAB 5 file make sense, before SciPy reads it: a type that does not exist crashes SciPy 1.17.

A file is a row of elements: a tag (type, size in bytes), then that many bytes, padded to 8. An array is an element of elements
(14), a compressed one of zlib (15). Format: MATLAB, MAT-File Format, The MathWorks.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import IO

from spaxel.errors import ReadError
from spaxel.readers.parts.limits import bomb

_PLAIN = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}  # numbers and text
_ARRAY, _COMPRESSED = 14, 15
_FIRST = (  # what the first elements of an array have to be: flags, sides, name
    lambda kind, length, small: kind == 6 and length == 8 and not small,
    lambda kind, length, small: kind == 5 and length % 4 == 0 and length >= 4,
    lambda kind, length, small: kind in (1, 2, 16),
)
_NESTED = {1, 2, 3}  # classes of arrays that hold arrays: cell, struct, object
_DEEPEST, _PIECE = 40, 2**16


class _Bytes:
    """The bytes of an element, read or skipped in order; those of a compressed one are unpacked piece by piece."""

    def __init__(self, file: IO[bytes], size: int, *, packed: bool) -> None:
        self.file, self.left, self.packed = file, size, packed
        self.unpack, self.held = zlib.decompressobj(), b""

    def read(self, size: int) -> bytes:
        """So many bytes; fewer at the end."""
        if not self.packed:
            found = self.file.read(min(size, self.left))
            self.left -= len(found)
            return found
        while len(self.held) < size and self.left > 0 and not self.unpack.eof:
            piece = self.file.read(min(_PIECE, self.left))
            self.left -= len(piece)
            if not piece:
                break
            self.held += self.unpack.decompress(piece)
        found, self.held = self.held[:size], self.held[size:]
        return found

    def skip(self, size: int) -> None:
        """Leave so many bytes aside."""
        if not self.packed:
            self.file.seek(min(size, self.left), 1)
            self.left -= min(size, self.left)
            return
        while size > 0 and (found := self.read(min(size, _PIECE))):
            size -= len(found)


def check_tags(path: Path) -> None:
    """ReadError if a tag names a type that does not exist, or an array is larger than what holds it."""
    total = path.stat().st_size
    with path.open("rb") as file:
        order = "<" if file.read(128)[126:128] == b"IM" else ">"
        while (at := file.tell()) < total - 7:
            kind, size = struct.unpack(f"{order}2I", file.read(8))
            if kind not in (_ARRAY, _COMPRESSED):
                raise _damaged(path, kind)
            inside = _Bytes(file, min(size, total - at - 8), packed=kind == _COMPRESSED)
            packed = inside.left
            try:
                if kind == _COMPRESSED:
                    kind, size = struct.unpack(f"{order}2I", inside.read(8).ljust(8, b"\0"))
                    if kind != _ARRAY:
                        raise _damaged(path, kind)
                    if why := bomb(size, packed):
                        raise ReadError(f"{path} cannot be read: a variable of it is a bomb: {why}.")
                    _check_array(path, inside, order, size, 0)
                else:
                    _check_array(path, inside, order, size, 0)
            except zlib.error as error:
                raise ReadError(f"{path} is damaged inside: {error}. Try to copy it again.") from error
            file.seek(at + 8 + size if not inside.packed else at + 8 + _size_at(file, at, order))


def _size_at(file: IO[bytes], at: int, order: str) -> int:
    file.seek(at + 4)
    return int(struct.unpack(f"{order}I", file.read(4))[0])


def _check_array(path: Path, data: _Bytes, order: str, size: int, depth: int) -> None:
    """The elements of one array; of a compressed array of numbers only those before its numbers.

    They are in this order: flags (8 bytes), sides, name; then numbers; or of a struct the length of a field's name and
    all those names (of an object its class before them), then arrays, one for each field of each element.
    """
    kind_of_array, number = 0, 0
    while size >= 8:
        head = data.read(8)
        if len(head) < 8:
            return
        kind, length = struct.unpack(f"{order}2I", head)
        size -= 8
        small = kind >> 16 > 0  # type and size in 2 bytes each, then up to 4 bytes, all in one tag
        kind, length = (kind & 0xFFFF, kind >> 16) if small else (kind, length)
        plausible = kind in (_PLAIN | {_ARRAY}) and (length <= 4 if small else length <= size) and depth <= _DEEPEST
        if not plausible or (number < len(_FIRST) and not _FIRST[number](kind, length, small)):
            raise _damaged(path, kind)
        payload = 0 if small else _padded(length)
        if number == 0:
            flags = struct.unpack(f"{order}I", data.read(8)[:4].ljust(4, b"\0"))[0]
            kind_of_array = flags & 0xFF
            if not 1 <= kind_of_array <= 18:
                raise _damaged(path, kind)
        elif number == 3 and kind_of_array == 2 and not (kind == 5 and length == 4):
            raise _damaged(path, kind)
        elif kind == _ARRAY:
            _check_array(path, data, order, length, depth + 1)
        elif data.packed and kind_of_array not in _NESTED and depth == 0 and number >= 3:
            return
        else:
            data.skip(payload)
        size -= payload
        number += 1


def _padded(length: int) -> int:
    return -(-length // 8) * 8


def _damaged(path: Path, kind: int) -> ReadError:
    return ReadError(f"{path} is damaged inside: it has an element of type {kind}, which MATLAB does not know.")
