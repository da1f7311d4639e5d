"""Is a file of an instrument whole? Asked before RosettaSciIO meets it, which crashes or never ends on some cut files."""

from __future__ import annotations

import bz2
import re
import struct
from math import prod
from pathlib import Path

from spaxel.errors import NotFound, ReadError
from spaxel.readers.parts.h5_walk import walk_h5
from spaxel.readers.parts.instrument_kinds import ripple_numbers
from spaxel.readers.parts.lazy import FOREIGN
from spaxel.readers.parts.limits import bomb

_ITEM, _DEEPEST = 0x200, 64  # bytes that describe a file in a Bruker container; folders in folders


def _check_bcf(path: Path, head: bytes) -> None:
    """ReadError if a Bruker container is cut: the compiled parser of RosettaSciIO would take the process down."""
    size = path.stat().st_size
    needed = 0x14C
    if len(head) >= needed:
        (chunk,), (chunks,) = struct.unpack_from("<I", head, 0x128), struct.unpack_from("<I", head, 0x148)
        needed = 0x118 + chunk * chunks
    if size < needed:
        raise ReadError(f"{path} is truncated: it has {size} bytes, and {needed} are needed. Try to copy it again.")
    if head.startswith(b"AAMVHFSS") and (why := _odd_tree(path, size)):
        raise ReadError(f"{path} is damaged: {why}. Try to copy it again.")


def _odd_tree(path: Path, size: int) -> str:
    """What cannot be in the list of files inside a Bruker container; '' if nothing."""
    with path.open("rb") as file:
        file.seek(0x128)
        (chunk,) = struct.unpack("<I", file.read(4))
        file.seek(0x140)
        at, many = struct.unpack("<II", file.read(8))
        each = (chunk - 0x20) // _ITEM if chunk > 0x20 else 0
        if not each or many * _ITEM > size:
            return f"it claims {many} files in pieces of {chunk} bytes"
        parents, read = [], 0
        while read < many:
            file.seek(chunk * at + 0x118)
            block = file.read(0x20 + min(each, many - read) * _ITEM)
            items = range(0x20, len(block) - _ITEM + 1, _ITEM)
            if not items:
                return "the list of its files ends too early"
            if any(struct.unpack_from("<Q", block, n + 4)[0] > size for n in items):
                return "a file in it is larger than itself"
            parents += [struct.unpack_from("<i", block, n + 40)[0] for n in items]
            (at,), read = struct.unpack_from("<I", block), read + len(items)
    for parent in parents:
        steps = 0
        while parent != -1 and steps <= _DEEPEST:
            if not 0 <= parent < many:
                return "a file in it lies in no folder"
            parent, steps = parents[parent], steps + 1
        if steps > _DEEPEST:
            return "its folders lie in each other"
    return ""


def _check_wdf(path: Path, head: bytes) -> None:
    """ReadError if the chain of blocks of a Renishaw file is broken: RosettaSciIO would follow it without end."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            block = file.read(16)
            length = struct.unpack_from("<Q", block, 8)[0] if len(block) == 16 else 0
            if length < 16 or at + length > size:
                raise ReadError(f"{path} is truncated or damaged at byte {at} of {size}. Try to copy it again.")
            at += length


def _check_ripple(path: Path, head: bytes) -> None:
    """NotFound if a ripple header stands alone, ReadError if its numbers are cut."""
    numbers = ripple_numbers(path)
    if numbers is None:
        raise NotFound(f"There is no file {path.with_suffix('.raw')}, where {path.name} says that its numbers lie.")
    words = re.findall(r"(?m)^\W*(?:MLX::)?([a-z-]+)\W+(\d+)\W*$", path.read_text("latin-1").lower())
    said = {name: int(value) for name, value in words}
    sizes = [said.get(name, 1) for name in ("width", "height", "depth", "data-length")]
    needed, size = said.get("offset", 0) + prod(sizes), numbers.stat().st_size
    if size < needed:
        raise ReadError(f"{numbers} is truncated: it has {size} bytes, and {needed} are needed. Try to copy it again.")


def _check_elid(path: Path, head: bytes) -> None:
    """ReadError if a bzip2 file is cut or damaged: RosettaSciIO would wait for its end without end."""
    unpacker, unpacked, size = bz2.BZ2Decompressor(), 0, path.stat().st_size
    try:
        with path.open("rb") as file:
            while not unpacker.eof and (not unpacker.needs_input or (piece := file.read(2**16))):
                unpacked += len(unpacker.decompress(piece if unpacker.needs_input else b"", 2**20))
                if why := bomb(unpacked, size):
                    raise ReadError(f"{path} is a bomb: {why}.")
    except OSError as error:
        raise ReadError(f"{path} is damaged: {error}. Try to copy it again.") from error
    if not unpacker.eof:
        raise ReadError(f"{path} is truncated: its bzip2 stream does not end. Try to copy it again.")


def _check_hdf5(path: Path, head: bytes) -> None:
    """ReadError if the names of axes in an HDF5 file are damaged: the library would take the process down at them."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for _, item in walk_h5(path, file):
                for key in ("DIMENSION_LABELS", "DIMENSION_LIST"):
                    if isinstance(item, h5py.Dataset) and key in item.attrs:
                        item.attrs[key]
    except ReadError:
        raise
    except FOREIGN as error:
        raise ReadError(f"{path} is damaged: {error}. Try to copy it again.") from error


CHECKS = {
    "bcf": _check_bcf,
    "wdf": _check_wdf,
    "rpl": _check_ripple,
    "elid": _check_elid,
    "h5": _check_hdf5,
    "emd": _check_hdf5,
}
