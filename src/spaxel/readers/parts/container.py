"""From a file of named arrays to a cube: which array holds the spectra, how it lies, its axis, its truth.

The readers of MATLAB, HDF5, npy and npz differ only in how they list their variables; all the rest is here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from spaxel.cube import QUANTITY, canonical_units, make_cube, note_guess
from spaxel.errors import AxisError, CubeError, ParameterError, ReadError
from spaxel.readers.parts.axis import Axis, is_spectral, settle_units
from spaxel.readers.parts.lazy import arrange, check_axis_number, guess_channel_axis, lazy_array, lazy_rows, tile_chunks
from spaxel.readers.parts.side import as_axis, is_index, spectral_axes
from spaxel.readers.parts.stored import from_attributes
from spaxel.readers.parts.truth import Image, find_truth, is_truth
from spaxel.readers.parts.variables import Variable, Variables, describe, pick

_SIZES = (
    ("lines", "cols"), ("lines", "columns"), ("lines", "samples"), ("nrow", "ncol"), ("nrows", "ncols"),
    ("rows", "cols"), ("rows", "columns"), ("height", "width"), ("h", "w"), ("ny", "nx"),
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What the user said about a file of named arrays; see `spaxel.readers.matlab.open_matlab` for each."""

    dataset: str | None = None
    channel_axis: int | None = None
    channel: str | Sequence[float] | None = None
    units: str | None = None
    truth: str | None = None
    truth_background: int | str | None = None
    shape: Sequence[int] | str | None = None
    pixel_order: Literal["C", "F"] | None = None


Listing = Callable[[Path, Options], Variables]


def reads_variables(order: Literal["C", "F"]) -> Callable[[Listing], Callable[..., xr.Dataset]]:
    """A function that lists the variables of a file (path, options) becomes one that opens it: (path, **options) -> cube.

    order : see `open_variables`      The options, each by its name, are those of `Options`; its docstring has to name them.
    """
    fields = dataclasses.fields(Options)
    shown = [Parameter("path", Parameter.POSITIONAL_OR_KEYWORD, annotation="str | Path")]
    shown += [Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type) for f in fields]

    def decorate(listing: Listing) -> Callable[..., xr.Dataset]:
        @wraps(listing)
        def open_file(path: str | Path, **given: Any) -> xr.Dataset:
            path, options = Path(path), Options(**given)
            return open_variables(path, listing(path, options), options, order=order)

        open_file.__signature__ = Signature(shown, return_annotation="xr.Dataset")  # type: ignore[attr-defined]
        return open_file

    return decorate


def open_variables(path: Path, variables: Variables, options: Options, *, order: str) -> xr.Dataset:
    """The cube in a file of named arrays.

    order : how this kind of file lays out a list of pixels by habit, "C" (row by row) or "F" (column by column)
    Raises ReadError if no array or several could be the spectra, AxisError and CubeError as make_cube does.
    """
    size = _image_size(variables, options.shape)
    axes = spectral_axes(path, variables, options.channel)
    name = choose_spectra(path, variables, options.dataset, size, {len(a.values) for a in axes})
    variable = _as_matrix_or_image(path, name, variables[name], options.channel_axis)
    axes = (_scales(name, variables, variable) if options.channel is None else []) or axes
    axes = [axis for axis in axes if options.channel is not None or len(axis.values) in variable.shape]
    at, guesses = _channel_axis(path, name, variable, options, size, {len(a.values) for a in axes})
    n_channels = variable.shape[at]
    spectra, image, told = _lay_out(path, name, variable, at, size, options.pixel_order, order)
    channel, units, doubt = _axis_of(path, axes, n_channels, options)
    truth, history = find_truth(path, variables, name, image, options.truth, options.truth_background)
    declared = from_attributes(variable.attrs, n_channels, name)
    more: dict[str, Any] = {"history": history, "source": str(path), "dataset": name, **truth}
    cube = make_cube(spectra, channel, units, beside=declared.beside(), **more)
    for sentence in (*guesses, *told, *doubt):
        cube = note_guess(cube, sentence)
    return cube


def choose_spectra(
    path: Path, variables: Variables, dataset: str | None, size: tuple[int, int] | None, lengths: set[int]
) -> str:
    """The name of the array of spectra: the one asked for, or the only one that can be it.

    size : (height, width) if known     lengths : of the known spectral axes
    Raises NotFound, ReadError: none, or several, with their shapes and types.
    """
    if dataset is not None:
        pick(path, variables, dataset)
        return dataset if dataset in variables else dataset.strip("/")
    arrays = {n: v for n, v in variables.items() if v.is_numeric and not is_truth(n, often=False)}
    cubes = {n: v for n, v in arrays.items() if len(v.shape) == 3}
    tables = {n: v for n, v in arrays.items() if len(v.shape) == 2 and not v.is_vector}
    pixels = size[0] * size[1] if size else None
    single = {n: v for n, v in arrays.items() if len(variables) == 1}
    groups = (
        cubes, {n: v for n, v in tables.items() if pixels in v.shape},
        {n: v for n, v in tables.items() if lengths & set(v.shape)}, tables, single,
    )  # fmt: skip
    for group in groups:
        others = [v.size for n, v in group.items() if not is_truth(n)]
        likely = {n: v for n, v in group.items() if not is_truth(n) or v.size >= max(others, default=0)}
        if len(likely) == 1:
            return next(iter(likely))
        if likely and group is cubes:
            break
    found = cubes or tables
    if not found:
        raise ReadError(f"{path} holds no array that can be spectra. It holds: {describe(variables)}. Try dataset=…")
    raise ReadError(
        f"{path} holds several arrays that could be the spectra: {describe(found)}. Try dataset=… with one."
    )


def _image_size(variables: Variables, shape: Sequence[int] | str | None) -> tuple[int, int] | None:
    if shape is not None:
        parts = shape.replace("x", ",").split(",") if isinstance(shape, str) else shape
        try:
            height, width = (int(part) for part in parts)
        except ValueError as error:
            raise ParameterError(f"shape={shape!r} is not a height and a width. Try shape=(95, 95).") from error
        return height, width
    scalars = {n.lower(): v for n, v in variables.items() if v.is_numeric and v.is_vector and np.prod(v.shape) == 1}
    for tall, wide in _SIZES:
        if tall in scalars and wide in scalars:
            return int(scalars[tall].vector()[0]), int(scalars[wide].vector()[0])
    return None


def _as_matrix_or_image(path: Path, name: str, variable: Variable, channel_axis: int | None) -> Variable:
    """A variable of 2 or 3 axes: one spectrum is a row; with channel_axis=2 a matrix is an image of one channel."""
    axes = len(variable.shape)
    if axes == 2 and str(channel_axis) == "2":
        read = variable.read
        return replace(variable, shape=(*variable.shape, 1), read=lambda: read()[..., None], source=None)
    if axes in (2, 3):
        return variable
    if axes == 1:
        row = variable.read()[None]
        return replace(variable, shape=row.shape, read=lambda: row, source=None)
    raise CubeError(f"{path}: {name} has {axes} axes {variable.shape}, a cube has 3. Try another dataset.")


def _channel_axis(
    path: Path, name: str, variable: Variable, options: Options, size: tuple[int, int] | None, lengths: set[int]
) -> tuple[int, list[str]]:
    """The axis of the channels, and the sentences of what was guessed."""
    shape = variable.shape
    if options.channel_axis is not None:
        return check_axis_number(options.channel_axis, len(shape)), []
    if len(shape) == 2:
        pixels = [axis for axis, n in enumerate(shape) if size and n == size[0] * size[1]]
        if len(pixels) == 1:
            return 1 - pixels[0], []
        if options.shape is not None:
            raise ParameterError(f"shape={options.shape!r} does not fit {name} {shape} of {path}. Try another shape.")
        matches = [axis for axis, n in enumerate(shape) if n in lengths]
        if len(matches) == 1:
            return matches[0], []
        at, known = 1, False
    else:
        at, known = guess_channel_axis(shape, lengths)
    sentence = (
        f"{path.name} does not say which axis of {name} {shape} is spectral; took axis {at} ({shape[at]} channels"
        f"{', one spectrum per row' if len(shape) == 2 else ''}). Option channel_axis decides."
    )
    return at, [] if known else [sentence]


def _lay_out(
    path: Path,
    name: str,
    variable: Variable,
    at: int,
    size: tuple[int, int] | None,
    pixel_order: str | None,
    habit: str,
) -> tuple[Any, Image, list[str]]:
    """The spectra as (y, x, channel), the sizes that truth must fit, and what was guessed."""
    lazy, order = variable.source is not None, pixel_order or habit
    if len(variable.shape) == 3:
        spectra = (
            lazy_array(variable.source, path=path, part=name, channel_axis=at, storage_chunks=variable.chunks)
            if lazy
            else arrange(variable.read(), at)
        )
        return spectra, Image(spectra.shape[0], spectra.shape[1], spectra.shape[2], order), []
    source, part = variable.source, name
    rows = lazy_rows(source, path=path, part=part, channel_axis=at) if lazy else arrange(variable.read(), at)
    if not size or size[0] * size[1] != rows.shape[0]:
        return rows[:, None, :], Image(rows.shape[0], 1, rows.shape[1], "C"), []
    image = Image(*size, rows.shape[1], order)
    spectra = image.fold(rows)
    spectra = spectra.rechunk(tile_chunks(spectra.shape)) if lazy else spectra
    words = "column by column" if order == "F" else "row by row"
    guess = f"{path.name} does not say in which order the {size[0]} x {size[1]} pixels of {name} lie; took {words}"
    return spectra, image, [] if pixel_order else [f"{guess}. Option pixel_order decides."]


def _axis_of(
    path: Path, axes: list[Axis], n_channels: int, options: Options
) -> tuple[np.ndarray | None, str, list[str]]:
    """Axis values (None: numbered), their unit, and what was guessed."""
    fitting = [axis for axis in axes if len(axis.values) == n_channels]
    if not fitting and options.channel is not None and axes:
        raise AxisError(
            f"{axes[0].origin} has {len(axes[0].values)} values, the spectra of {path} have {n_channels} channels. "
            "Try another channel or channel_axis."
        )
    if not fitting:
        guess = f"{path.name} has no spectral axis; its {n_channels} channels are numbered. Option channel decides."
        return None, "index", [] if is_index(options.channel) else [guess]
    axis = settle_units(fitting[0], options.units)
    guesses = list(axis.guesses)
    if len(fitting) > 1:
        others = ", ".join(other.origin for other in fitting)
        guesses.append(f"{path.name} has several spectral axes ({others}); took the first. Option channel decides.")
    return axis.values, axis.units or "index", guesses


def _scales(name: str, variables: Variables, variable: Variable) -> list[Axis]:
    """Spectral axes among the variables that number the axes of this one: HDF5 scales, or NIR_dim_1 for NIR."""
    named = {axis: f"{name}_dim_{axis}" for axis in range(len(variable.shape))} | dict(variable.scales)
    found = [(held, as_axis(held, variables[held], held)) for held in named.values() if held in variables]
    spectral = set(QUANTITY) - {"index", "min", "s", "hz"}
    return [a for n, a in found if a and (is_spectral(n) or canonical_units(a.units).lower() in spectral)]
