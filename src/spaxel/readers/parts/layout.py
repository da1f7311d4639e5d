"""How an array of spectra lies: which of its axes is spectral, how large the image is, and how its pixels are listed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.errors import CubeError, ParameterError
from spaxel.readers.parts.lazy import arrange, check_axis_number, guess_channel_axis, lazy_array, lazy_rows, tile_chunks
from spaxel.readers.parts.look import look_for_channels
from spaxel.readers.parts.truth import Image, is_truth
from spaxel.readers.parts.variables import Variable, Variables

Size = tuple[int, int] | None
_SIZES = (
    ("lines", "cols"), ("lines", "columns"), ("lines", "samples"), ("nrow", "ncol"), ("nrows", "ncols"),
    ("rows", "cols"), ("rows", "columns"), ("height", "width"), ("h", "w"), ("ny", "nx"), ("nl", "ns"), ("dimy", "dimx"),
    ("numrows", "numcols"), ("nlines", "nsamples"), ("nlines", "ncols"), ("ysize", "xsize"), ("sizey", "sizex"),
)  # fmt: skip
_SHAPES = ("shape", "size", "dims", "imsize", "imagesize", "imgsize", "imshape", "imageshape", "datashape", "datasize")
_MAP = re.compile(r"mask|valid|rgb|map|image|img|lat|lon", re.IGNORECASE)
_PURE = re.compile(r"^((?-i:M|E|EM|M\d|M_[A-Z]+)|endmembers?|pure(_?spectra)?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Kept:
    """An array-like of which some axes of length 1 are not shown; slices as the array that it stands for."""

    source: Any
    axes: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the axes that are kept."""
        return tuple(self.source.shape[axis] for axis in self.axes)

    @property
    def dtype(self) -> np.dtype:
        """That of the array."""
        return self.source.dtype

    @property
    def ndim(self) -> int:
        """Number of axes that are kept."""
        return len(self.axes)

    def __getitem__(self, key: Any) -> np.ndarray:
        keys = dict(zip(self.axes, key if isinstance(key, tuple) else (key,), strict=False))
        whole = tuple(
            keys.get(axis, slice(None)) if axis in self.axes else slice(0, 1) for axis in range(len(self.source.shape))
        )
        found = np.asarray(self.source[whole])
        return found.squeeze(tuple(axis for axis in range(found.ndim) if axis not in self.axes))


def image_size(variables: Variables, shape: Sequence[int] | str | None) -> Size:
    """(height, width) of the image: the option shape, else scalars such as lines and cols, or a pair such as `imsize`."""
    if shape is not None:
        parts = shape.replace("x", ",").split(",") if isinstance(shape, str) else shape
        try:
            height, width = (int(part) for part in parts)
        except ValueError as error:
            raise ParameterError(f"shape={shape!r} is not a height and a width. Try shape=(95, 95).") from error
        return height, width
    numbers = {_plain(n): v for n, v in variables.items() if v.is_numeric and v.is_vector and v.dtype.kind in "iuf"}
    scalars = {n: v for n, v in numbers.items() if v.size == 1}
    for tall, wide in _SIZES:
        if tall in scalars and wide in scalars:
            found = _whole(scalars[tall], scalars[wide])
            if found:
                return found
    for name in _SHAPES:
        if name in numbers and numbers[name].size in (2, 3):
            return _whole(numbers[name])
    return None


def size_by_companions(variables: Variables, name: str) -> Size:
    """(height, width) of a matrix of pixels from an image beside it with as many pixels: a map, abundances; else None."""
    sides = {
        v.shape[:2]
        for n, v in variables.items()
        if n != name
        and v.is_numeric
        and (len(v.shape) == 3 or (len(v.shape) == 2 and (is_truth(n) or _MAP.search(n))))
        and min(v.shape[:2]) > 1
    }
    fitting = {s for s in sides if s[0] * s[1] in variables[name].shape and max(s) < s[0] * s[1]}
    return (int(min(fitting)[0]), int(min(fitting)[1])) if len(fitting) == 1 else None


def as_matrix_or_image(path: Path, name: str, variable: Variable, channel_axis: int | None) -> Variable:
    """A variable of 2 or 3 axes: one spectrum is a row; with channel_axis=2 a matrix is an image of one channel."""
    axes = len(variable.shape)
    if axes == 2 and str(channel_axis) == "2":
        read = variable.read
        return replace(variable, shape=(*variable.shape, 1), read=lambda: read()[..., None], source=None, spectral=2)
    if axes in (2, 3):
        return variable
    if axes == 1:
        row = variable.read()[None]
        return replace(variable, shape=row.shape, read=lambda: row, source=None, spectral=1, scales={})
    kept = list(range(axes))
    for axis in range(axes):
        if len(kept) > 3 and variable.shape[axis] == 1 and axis != variable.spectral:
            kept.remove(axis)
    if len(kept) != 3:
        raise CubeError(f"{path}: {name} has {axes} axes {variable.shape}, a cube has 3. Try another dataset.")
    return _without_axes(variable, tuple(kept))


def _without_axes(variable: Variable, kept: tuple[int, ...]) -> Variable:
    shape, read = tuple(variable.shape[axis] for axis in kept), variable.read
    return replace(
        variable,
        shape=shape,
        read=lambda: read().reshape(shape),
        source=None if variable.source is None else Kept(variable.source, kept),
        chunks=None if variable.chunks is None else tuple(variable.chunks[axis] for axis in kept),
        scales={kept.index(axis): scale for axis, scale in variable.scales.items() if axis in kept},
        spectral=kept.index(variable.spectral) if variable.spectral in kept else None,
        labels=tuple(variable.labels[axis] for axis in kept) if variable.labels else (),
    )


def find_channels(
    path: Path, name: str, variables: Variables, variable: Variable, size: Size, lengths: set[int]
) -> tuple[int, list[str]]:
    """The axis of the channels, and the sentences of what was guessed.

    variable : of 2 or 3 axes     lengths : of the known spectral axes
    What the file says of the axis comes first, then sizes and companions of matching length, then the data themselves.
    """
    shape = variable.shape
    if variable.spectral is not None:
        return variable.spectral, []
    known = {n for n in lengths if shape.count(n) == 1}
    by_size = _left_by(shape, size) if len(shape) == 3 else _left_of_pixels(shape, size)
    if by_size is not None:
        return by_size, []
    if len(known) == 1:
        return shape.index(known.pop()), []
    by_companions = _by_companions(name, variables, shape)
    if by_companions is not None:
        return by_companions
    if len(shape) == 2:
        return 1, [_sentence(path, name, shape, 1, "one spectrum per row")]
    at, sure = guess_channel_axis(shape, lengths)
    if sure:
        return at, []
    at, why = look_for_channels(
        variable.source if variable.source is not None else variable.read(), at, variable.chunks
    )
    return at, [_sentence(path, name, shape, at, why)]


def _sentence(path: Path, name: str, shape: tuple[int, ...], at: int, why: str) -> str:
    because = f", {why}" if why else ""
    return (
        f"{path.name} does not say which axis of {name} {shape} is spectral; took axis {at} ({shape[at]} channels){because}. "
        "Option channel_axis decides."
    )


def _left_by(shape: tuple[int, ...], size: Size) -> int | None:
    """The axis that is left when height and width are taken from a shape, if there is only one way to do so."""
    if size is None:
        return None
    left = {3 - y - x for y in range(3) for x in range(3) if y != x and (shape[y], shape[x]) == tuple(size)}
    return left.pop() if len(left) == 1 else None


def _left_of_pixels(shape: tuple[int, ...], size: Size) -> int | None:
    pixels = [axis for axis, n in enumerate(shape) if size and n == size[0] * size[1]]
    return 1 - pixels[0] if len(pixels) == 1 else None


def _by_companions(name: str, variables: Variables, shape: tuple[int, ...]) -> tuple[int, list[str]] | None:
    """The axis that maps of labels or abundances leave over, or that pure spectra are as long as; None if none tells."""
    found = {}
    for other, variable in variables.items():
        last = re.split(r"[/.]", other)[-1]
        if other == name or not variable.is_numeric or "@" in other:
            continue
        sides = variable.shape
        if len(shape) == 3 and is_truth(other) and len(sides) in (2, 3) and min(sides, default=0) > 1:
            at = _left_by(shape, (sides[0], sides[1]))
            if at is not None and (len(sides) == 2 or sides != shape):
                found[other] = at
        elif len(sides) == 2 and _PURE.match(last):
            matches = [axis for axis, n in enumerate(shape) if n == max(sides) and shape.count(n) == 1]
            if len(matches) == 1 and min(sides) < max(sides):
                found[other] = matches[0]
    if len(set(found.values())) != 1:
        return None
    return next(iter(found.values())), []


def lay_out(
    path: Path, name: str, variable: Variable, at: int, size: Size, orders: Mapping[str, str | None]
) -> tuple[Any, Image, list[str]]:
    """The spectra as (y, x, channel), the sizes that truth must fit, and what was guessed.

    orders : how a list of pixels is folded: `given` by the user or None, and `habit` of this kind of file; "C" or "F"
    """
    lazy, order = variable.source is not None, orders["given"] or orders["habit"] or "C"
    if len(variable.shape) == 3:
        spectra = (
            lazy_array(variable.source, path=path, part=name, channel_axis=at, storage_chunks=variable.chunks)
            if lazy
            else arrange(variable.read(), at)
        )
        return spectra, Image(spectra.shape[0], spectra.shape[1], spectra.shape[2], order), []
    rows = lazy_rows(variable.source, path=path, part=name, channel_axis=at) if lazy else arrange(variable.read(), at)
    if not size or size[0] * size[1] != rows.shape[0]:
        return rows[:, None, :], Image(rows.shape[0], 1, rows.shape[1], "C"), []
    image = Image(*size, rows.shape[1], order)
    spectra = image.fold(rows)
    spectra = spectra.rechunk(tile_chunks(spectra.shape)) if lazy else spectra
    words = "column by column" if order == "F" else "row by row"
    guess = f"{path.name} does not say in which order the {size[0]} x {size[1]} pixels of {name} lie; took {words}"
    return spectra, image, [] if orders["given"] else [f"{guess}. Option pixel_order decides."]


def channel_option(channel_axis: Any, variable: Variable) -> Variable:
    """The variable with the axis that the user calls spectral, None for none; AxisError if it has no such axis."""
    if channel_axis is None:
        return variable
    return replace(variable, spectral=check_axis_number(channel_axis, len(variable.shape)))


def _plain(name: str) -> str:
    return re.split(r"[/.]", name)[-1].lower().replace("_", "").removeprefix("@")


def _whole(*variables: Variable) -> Size:
    """The first two whole numbers above 0 of some variables, None if they are none."""
    values = np.concatenate([np.asarray(v.vector(), dtype=float) for v in variables])[:2]
    if len(values) < 2 or not np.isfinite(values).all() or (values < 1).any() or (values != np.round(values)).any():
        return None
    return int(values[0]), int(values[1])
