"""All groups and datasets of an HDF5 file, each once, by a walk that knows how deep it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spaxel.errors import ReadError
from spaxel.readers.parts.limits import DEEPEST

if TYPE_CHECKING:
    import h5py


def walk_h5(path: Path, file: h5py.Group) -> Iterator[tuple[str, h5py.HLObject]]:
    """(path, object) of everything below a group, in the order of the names; links to other places are not followed.

    Raises ReadError if groups are nested more than 64 deep: HDF5 itself takes a time that grows by the square of the depth.
    """
    import h5py

    seen = {_address(file)}
    waiting = [_children("", file)]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        name, item = found
        if (address := _address(item)) in seen:
            continue
        seen.add(address)
        yield name, item
        if isinstance(item, h5py.Group):
            if len(waiting) >= DEEPEST:
                raise ReadError(f"{path} has groups in groups, more than {DEEPEST} deep, which is not believed.")
            waiting.append(_children(name, item))


def _children(above: str, group: h5py.Group) -> Iterator[tuple[str, h5py.HLObject]]:
    import h5py

    for key in sorted(group):
        if isinstance(group.get(key, getlink=True), h5py.HardLink):
            yield f"{above}/{key}".lstrip("/"), group[key]


def _address(item: h5py.HLObject) -> tuple[int, int]:
    import h5py

    about = h5py.h5o.get_info(item.id)
    return about.fileno, about.addr
