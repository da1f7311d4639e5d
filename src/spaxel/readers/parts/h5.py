"""Datasets of an HDF5 file, read lazily: shared by the readers of plain HDF5 and of MATLAB 7.3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spaxel.errors import ReadError
from spaxel.readers.parts.stored import numbers_of
from spaxel.readers.parts.variables import Variable, Variables, dtype_problem

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class H5Array:
    """A dataset that opens its file for each read: no file stays locked, and it can be pickled.

    reverse : the axes are shown in reversed order, as MATLAB shows them
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    reverse: bool = False

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        with h5py.File(self.path, "r") as file:
            dataset = file[self.name]
            if not self.reverse:
                return np.asarray(dataset[key])
            key = key if isinstance(key, tuple) else (key,)
            return np.asarray(dataset[key[::-1] if Ellipsis not in key else ...]).T


def is_hdf5(head: bytes) -> bool:
    """Whether these first bytes of a file hold the signature of HDF5, also behind a user block."""
    return any(head[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048))


def h5_variables(path: Path, *, matlab: bool = False) -> Variables:
    """All datasets by path. matlab: the axes are reversed, and MATLAB's own bookkeeping (#refs#) is left out."""
    found: Variables = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and not (matlab and name.startswith("#")):
            found[name] = _variable(path, name, item, matlab=matlab)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{path} cannot be read as HDF5: {error}. Is the file complete?") from error
    return found


def check_link(path: Path, name: str) -> None:
    """ReadError if `name` is a group or leads to another file: the message says what to give instead."""
    try:
        with h5py.File(path, "r") as file:
            link = file.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ReadError(
                    f"{path}: {name} is a link into the file {link.filename} ({link.path}). Try to open that."
                )
            inside = file.get(name)
            if isinstance(inside, h5py.Group):
                held = ", ".join(f"{name.strip('/')}/{key}" for key in inside) or "nothing"
                raise ReadError(f"{path}: {name} is a group, not a dataset. It holds: {held}.")
    except (KeyError, ValueError, RuntimeError) as error:
        raise ReadError(f"{path}: {name} cannot be followed: {error}. Try another dataset.") from error


def _variable(path: Path, name: str, dataset: h5py.Dataset, *, matlab: bool) -> Variable:
    if dataset.shape is None:
        return Variable((), np.dtype("O"), lambda: np.empty(0), problem="it is empty (a null dataspace)")
    shape, chunks = dataset.shape, dataset.chunks
    if matlab:
        shape, chunks = shape[::-1], chunks and chunks[::-1]
    source = H5Array(path, name, shape, dataset.dtype, matlab)
    scales = {} if matlab else _scales(dataset)
    units = _text(dataset.attrs.get("units"))
    problem, attrs = _problem(dataset), _attrs(dataset)
    return Variable(shape, dataset.dtype, lambda: _load(source), source, chunks, units, scales, problem, attrs)


def _attrs(dataset: h5py.Dataset) -> dict[str, Any]:
    """Its attributes; one that cannot be read is left out."""
    found = {}
    for name in dataset.attrs:
        try:
            found[name] = dataset.attrs[name]
        except (OSError, TypeError, ValueError, RuntimeError, KeyError):
            continue
    return found | _prisma_scale(dataset)


def _prisma_scale(dataset: h5py.Dataset) -> dict[str, float]:
    """Scale and offset of a PRISMA cube, whose file says them at its root (PRISMA product specification, ASI 2020).

    L2: value x (max - min) / 65535 + min, by `L2ScaleVnirMin` and `…Max`. L1: value / `ScaleFactor_Vnir` - `Offset_Vnir`.
    """
    which = dataset.name.rpartition("/")[2].partition("_")[0].capitalize()
    if which not in ("Vnir", "Swir") or not dataset.name.endswith("_Cube"):
        return {}
    root = dataset.file.attrs
    names = (f"L2Scale{which}Min", f"L2Scale{which}Max", f"ScaleFactor_{which}", f"Offset_{which}")
    low, high, divisor, offset = (numbers_of(root.get(name, ()))[:1] for name in names)
    if low and high and high[0] > low[0]:
        return {"scale_factor": (high[0] - low[0]) / 65535, "add_offset": low[0]}
    if divisor and divisor[0] > 0:
        return {"scale_factor": 1 / divisor[0], "add_offset": -offset[0] if offset else 0.0}
    return {}


def _load(source: H5Array) -> np.ndarray:
    values = source[...]
    if values.dtype.kind == "O":
        return np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.ravel()])
    return values


def _problem(dataset: h5py.Dataset) -> str:
    if h5py.check_string_dtype(dataset.dtype):
        return ""
    if dataset.dtype.names == ("real", "imag"):
        return "its numbers are complex; save their real part or their modulus"
    if problem := dtype_problem(dataset.dtype):
        return problem
    filters = dataset.id.get_create_plist()
    for number in range(filters.get_nfilters()):
        code, _, _, name = filters.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            return (
                f"it is compressed with {name.decode() or code}, which this HDF5 does not know (pip install hdf5plugin)"
            )
    stored = dataset.id.get_storage_size()
    short = stored < dataset.nbytes if dataset.chunks is None else stored == 0
    if short and dataset.size and not dataset.is_virtual:
        return f"truncated or never written, it announces {dataset.nbytes} bytes and holds {stored}"
    return ""


def _scales(dataset: h5py.Dataset) -> dict[int, str]:
    named = {axis: list(dataset.dims[axis].keys()) for axis in range(dataset.ndim)}
    found = {axis: dataset.dims[axis][0].name for axis, keys in named.items() if keys or len(dataset.dims[axis])}
    return {axis: name.strip("/") for axis, name in found.items() if name}


def _text(value: Any) -> str | None:
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if value is not None else None
