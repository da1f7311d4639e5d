"""From a file of named arrays to a cube: which array holds the spectra, how it lies, its axis, its truth.

The readers of MATLAB, HDF5, npy and npz differ only in how they list their variables; all the rest is here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from spaxel.cube import QUANTITY, canonical_units, make_cube, note_guess
from spaxel.errors import AxisError, ParameterError
from spaxel.readers.parts.axis import Axis, fault_of, in_order, is_spectral, settle_units
from spaxel.readers.parts.choice import choose_spectra
from spaxel.readers.parts.extra_axes import Layout
from spaxel.readers.parts.flags import with_flags
from spaxel.readers.parts.layout import (
    as_matrix_or_image,
    channel_option,
    find_channels,
    image_size,
    lay_out,
    size_by_companions,
)
from spaxel.readers.parts.many_axes import as_one_image
from spaxel.readers.parts.noise import variance_beside
from spaxel.readers.parts.quality_beside import find_quality
from spaxel.readers.parts.side import as_axis, settle_axis, spectral_axes
from spaxel.readers.parts.stored import from_attributes, is_declaring
from spaxel.readers.parts.truth import find_truth
from spaxel.readers.parts.variables import Variable, Variables


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
    index: str | None = None


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
    size = image_size(variables, options.shape)
    axes = spectral_axes(path, variables, options.channel)
    lengths = {len(axis.values) for axis in axes}
    name, history, guesses = choose_spectra(path, variables, options.dataset, size or _any_size(variables), lengths)
    like, layout, stacked = _shaper(path, name, variables[name], options, lengths)
    options = replace(options, channel_axis=None) if layout else options
    variable = like(variables[name])
    variable, axes = _own_axes(name, variables, channel_option(options.channel_axis, variable), axes, options)
    size = size or (size_by_companions(variables, name) if len(variable.shape) == 2 else None)
    variable = _loaded(variable)
    at, doubt = find_channels(path, name, variables, variable, size, {len(a.values) for a in axes})
    _check_shape(path, name, variable, options.shape)
    orders = {"given": options.pixel_order, "habit": order}
    spectra, image, told = lay_out(path, name, variable, at, size, orders)
    channel, units, unsure = _axis_of(path, axes, variable.shape[at], options)
    truth, found = find_truth(path, variables, name, image, options.truth, options.truth_background)
    noise, known = variance_beside(variables, name, lambda n, v: lay_out(path, n, like(v), at, size, orders)[0])
    more: dict[str, Any] = {
        "history": [*history, *found, *known], "source": str(path), "dataset": name,
        **truth, **noise, **(layout.attrs() if layout else {}),
    }  # fmt: skip
    quality = find_quality(path, variables, name, variable, at, image)
    declared = from_attributes({**_said_beside(variables), **variable.attrs}, variable.shape[at], name)
    cube = make_cube(spectra, channel, units, beside=declared.beside() | quality, **more)
    cube = with_flags(cube, variables, name, channel)
    for sentence in (*guesses, *stacked, *doubt, *told, *unsure):
        cube = note_guess(cube, sentence)
    return cube


def _said_beside(variables: Variables) -> dict[str, Any]:
    """Numbers of the file, beside its arrays, that say what is no data, or a scale (nodata, scale_factor …)."""
    held = {
        n: v for n, v in variables.items() if v.size == 1 and v.is_numeric and v.dtype.kind in "iuf" and is_declaring(n)
    }
    return {name.rpartition("@")[2].rpartition("/")[2]: variable.vector()[0] for name, variable in held.items()}


def _shaper(
    path: Path, name: str, variable: Variable, options: Options, lengths: set[int]
) -> tuple[Callable[[Variable], Variable], Layout | None, list[str]]:
    """(what makes three axes, or two, of the spectra and of arrays like them; the layout of more than three; guesses)."""
    one = partial(as_one_image, path, channel_axis=options.channel_axis, index=options.index, lengths=lengths)
    _, layout, stacked = one(variable)
    channel_axis = None if layout else options.channel_axis
    return lambda found: as_matrix_or_image(path, name, one(found)[0], channel_axis), layout, stacked


def _loaded(variable: Variable) -> Variable:
    """A variable that cannot be read in parts, read once: its numbers may be looked at before they are laid out."""
    if variable.source is not None or variable.problem:
        return variable
    values = variable.read()
    return replace(variable, read=lambda: values)


def _any_size(variables: Variables) -> tuple[int, int] | None:
    """(height, width) that an image of a file gives a matrix of pixels of it; None unless all such agree."""
    matrices = [n for n, v in variables.items() if v.is_numeric and len(v.shape) == 2 and not v.is_vector]
    sizes = {size for n in matrices if (size := size_by_companions(variables, n))}
    return sizes.pop() if len(sizes) == 1 else None


def _own_axes(
    name: str, variables: Variables, variable: Variable, axes: list[Axis], options: Options
) -> tuple[Variable, list[Axis]]:
    """The variable with the axis that its scales call spectral, and the spectral axes that can be its own."""
    if options.channel is not None:
        return variable, axes
    scales = _scales(name, variables, variable)
    own = {at: axis for at, axis in scales.items() if _says_so(axis)}
    if variable.spectral is not None:
        own = {at: axis for at, axis in own.items() if at == variable.spectral}
    elif len(own) == 1:
        variable = replace(variable, spectral=next(iter(own)))
    fitting = [axis for axis in axes if len(axis.values) in variable.shape]
    inside = [axis for axis in fitting if not axis.guesses]  # those beside the file are guesses
    at = variable.spectral
    numbered = [scales[at]] if at in scales and not _is_count(scales[at].values) else []
    return variable, [*own.values()] or _attribute_axes(name, fitting) or inside or numbered or fitting


def _attribute_axes(name: str, axes: list[Axis]) -> list[Axis]:
    """Of several axes those that are attributes of the spectra, or else of a group that holds them."""
    held = [axis for axis in axes if axis.name.startswith(f"{name}@")]
    folder = name.rpartition("/")[0]
    return held or [axis for axis in axes if "@" in axis.name and axis.name.rpartition("@")[0] == folder]


def _check_shape(path: Path, name: str, variable: Variable, shape: Sequence[int] | str | None) -> None:
    size = image_size({}, shape)
    if size and len(variable.shape) == 2 and size[0] * size[1] not in variable.shape:
        raise ParameterError(f"shape={shape!r} does not fit {name} {variable.shape} of {path}. Try another shape.")


def _axis_of(
    path: Path, axes: list[Axis], n_channels: int, options: Options
) -> tuple[np.ndarray | None, str, list[str]]:
    """Axis values (None: numbered), their unit, and what was guessed."""
    fitting = [axis for axis in axes if len(axis.values) == n_channels]
    if options.channel is not None:
        if not fitting and axes:
            raise AxisError(
                f"{axes[0].origin} has {len(axes[0].values)} values, the spectra of {path} have {n_channels} channels. "
                "Try another channel or channel_axis."
            )
        if not fitting:
            return None, "index", []
        axis = settle_units(fitting[0], options.units)
        axis = axis if fault_of(axis.values) else in_order(axis)
        return axis.values, axis.units or "index", list(axis.guesses)
    usable = [axis for axis in fitting if not fault_of(axis.values)]
    values, units, guesses = settle_axis(path, next(iter(usable or fitting), None), n_channels, None, options.units)
    if len(usable) > 1 and not _alike(usable):
        others = ", ".join(other.origin for other in usable)
        guesses.append(f"{path.name} has several spectral axes ({others}); took the first. Option channel decides.")
    return values, units or "index", guesses


def _alike(axes: list[Axis]) -> bool:
    return all(np.array_equal(axis.values, axes[0].values) for axis in axes[1:])


def _scales(name: str, variables: Variables, variable: Variable) -> dict[int, Axis]:
    """The variables that number the axes of this one, by axis: HDF5 scales, or NIR_dim_1 for NIR."""
    named = {axis: f"{name}_dim_{axis}" for axis in range(len(variable.shape))} | dict(variable.scales)
    found = {at: as_axis(held, variables[held], held) for at, held in named.items() if held in variables}
    return {at: axis for at, axis in found.items() if axis and len(axis.values) == variable.shape[at]}


def _says_so(axis: Axis) -> bool:
    """Whether a scale is spectral by its name or unit; lengths, which are those of a stage too, by its name only."""
    units = canonical_units(axis.units).lower()
    return is_spectral(axis.name) or units in set(QUANTITY) - {
        "index",
        "min",
        "s",
        "hz",
        "m",
        "cm",
        "mm",
        "um",
        "m/s",
        "km/s",
    }


def _is_count(values: np.ndarray) -> bool:
    return np.array_equal(values, np.arange(len(values)) + values[:1])
