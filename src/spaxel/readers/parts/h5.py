"""Datasets of an HDF5 file, read lazily: shared by the readers of plain HDF5 and of MATLAB 7.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spaxel.errors import ReadError
from spaxel.readers.parts.axis import is_spectral, numbers_of_list
from spaxel.readers.parts.declared import declare, text_of
from spaxel.readers.parts.h5_walk import walk_h5
from spaxel.readers.parts.limits import bomb
from spaxel.readers.parts.stored import is_declaring, numbers_of
from spaxel.readers.parts.variables import Variable, Variables, dtype_problem

if TYPE_CHECKING:
    import h5py

MOST_CHUNKS = 2**16  # that are looked at when a file is opened: 0.1 s
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
        import h5py

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
    import h5py

    found: Variables = {}
    groups: dict[str, dict[str, Any]] = {}

    try:
        with h5py.File(path, "r") as file:
            groups[""] = _attrs(file)
            for name, item in walk_h5(path, file):
                if isinstance(item, h5py.Dataset) and not (matlab and name.startswith("#")):
                    found[name] = _variable(path, name, item, matlab=matlab)
                elif isinstance(item, h5py.Group) and not matlab:
                    groups[name] = _attrs(item)
    except ReadError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{path} cannot be read as HDF5: {error}. Is the file complete?") from error
    held = {name: variable.attrs for name, variable in found.items()} | groups
    lists = {f"{name}@{key}": v for name, attrs in held.items() for key, v in _lists(attrs).items()}
    return found | lists if matlab else declare(found | lists, groups)


def _lists(attrs: Mapping[str, Any]) -> Variables:
    """Attributes that are a row of numbers, as variables: an axis may lie there (`List_Cw_Vnir` of PRISMA, `wavelength`)."""
    found: Variables = {}
    for key, value in attrs.items():
        values = np.asarray(value)
        if isinstance(value, (str, bytes)) and is_spectral(key):
            values = _numbers(text_of(value))
        if values.ndim == 1 and values.size > 1 and values.dtype.kind in "biuf":
            told = (f"{word}{sign}units" for word in (key, key.rstrip("s")) for sign in "_ ")
            units = next((text_of(attrs[name]) for name in told if name in attrs), None)
            found[key] = Variable(values.shape, values.dtype, partial(np.asarray, values), units=units)
    return found


def _numbers(text: str) -> np.ndarray:
    try:
        return numbers_of_list(text.strip("[]{}() "))
    except ValueError:
        return np.empty(0)


def _attrs(item: h5py.HLObject) -> dict[str, Any]:
    """The attributes of a group or dataset; one that cannot be read is left out."""
    found = {}
    for name in item.attrs:
        try:
            found[name] = item.attrs[name]
        except (OSError, TypeError, ValueError, RuntimeError, KeyError):
            continue
    return found


def check_link(path: Path, name: str) -> None:
    """ReadError if `name` is a group or leads to another file: the message says what to give instead."""
    import h5py

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
    problem, attrs = _problem(dataset), _attrs(dataset) | _prisma_scale(dataset)
    fill = dataset.fillvalue if dataset.dtype.kind in "iuf" and problem == "" else 0
    if fill != 0 and not any(is_declaring(key) for key in attrs):
        attrs["_FillValue"] = fill
    units = _text(next((attrs[key] for key in ("units", "Units", "UNIT", "unit", "Unit") if key in attrs), None))
    return Variable(shape, dataset.dtype, lambda: _load(source), source, chunks, units, scales, problem, attrs)


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
    import h5py

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
    chunk = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if dataset.chunks is not None and (why := bomb(chunk, stored)):
        return f"a chunk of it is a bomb: {why}"
    if dataset.chunks is not None and (largest := _largest_stored(dataset)) > 2 * chunk + 2**16:
        return f"damaged, a chunk of {chunk} bytes is stored in {largest} bytes"
    short = stored < dataset.nbytes if dataset.chunks is None else stored == 0
    if short and dataset.size and not dataset.is_virtual:
        return f"truncated or never written, it announces {dataset.nbytes} bytes and holds {stored}"
    return ""


def _largest_stored(dataset: h5py.Dataset) -> int:
    """Bytes of the largest chunk as it is stored; 0 if that is not known, or there are too many to look at."""
    sizes = [0]
    try:
        if 0 < dataset.id.get_num_chunks() <= MOST_CHUNKS:
            dataset.id.chunk_iter(lambda stored: sizes.append(stored.size))
    except (AttributeError, RuntimeError, OSError):
        return 0
    return max(sizes)


def _scales(dataset: h5py.Dataset) -> dict[int, str]:
    named = {axis: list(dataset.dims[axis].keys()) for axis in range(dataset.ndim)}
    found = {axis: dataset.dims[axis][0].name for axis, keys in named.items() if keys or len(dataset.dims[axis])}
    return {axis: name.strip("/") for axis, name in found.items() if name}


def _text(value: Any) -> str | None:
    return text_of(value) or None
