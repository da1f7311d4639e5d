"""HyperSpy's Zarr (.zspy), a folder or a zip: its signals with their axes, lazily, and no chunk read before it is asked for.

Read with spaxel's own checks of codecs, and read-only, which RosettaSciIO's reader is not; so it needs no extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zarr

from spaxel.errors import ReadError
from spaxel.readers.parts.limits import check_believable
from spaxel.readers.parts.zarrays import load, open_node

_NONE = "_None_"  # how HyperSpy writes None


def zspy_signals(path: Path) -> list[dict[str, Any]]:
    """All signals in the form of RosettaSciIO: {data, axes, metadata}; data is a Zarr array.

    Raises ReadError if the folder is damaged, or holds no experiment.
    """
    node = open_node(path)
    experiments = node.get("Experiments") if isinstance(node, zarr.Group) else None
    if not isinstance(experiments, zarr.Group):
        raise ReadError(f"{path} holds no Experiments, so it is no zspy of HyperSpy. Is it complete?")
    found = [_signal(path, name, group) for name, group in sorted(experiments.groups())]
    return [signal for signal in found if signal is not None]


def _signal(path: Path, name: str, group: zarr.Group) -> dict[str, Any] | None:
    data = group.get("data")
    if not isinstance(data, zarr.Array):
        return None
    check_believable(path, name, data.shape)
    axes = [_axis(path, group, number, size) for number, size in enumerate(data.shape)]
    metadata = {
        key: _attrs(group, f"metadata/{key}") for key in ("General", "Signal", "Sample", "Acquisition_instrument")
    }
    metadata["General"].setdefault("title", name)
    return {"data": data, "axes": axes, "metadata": metadata}


def _axis(path: Path, group: zarr.Group, number: int, size: int) -> dict[str, Any]:
    inside = group.get(f"axis-{number}")
    if not isinstance(inside, zarr.Group):
        return {"size": size, "navigate": False}
    axis: dict[str, Any] = {key: None if value == _NONE else value for key, value in dict(inside.attrs).items()}
    axis["size"] = size
    values = inside.get("axis")
    if isinstance(values, zarr.Array):
        axis["axis"] = load(path, f"axis-{number}", values)
    return axis


def _attrs(group: zarr.Group, place: str) -> dict[str, Any]:
    inside = group.get(place)
    return dict(inside.attrs) if isinstance(inside, zarr.Group) else {}
