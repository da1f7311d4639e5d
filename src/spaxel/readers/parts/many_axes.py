"""An array of more than three axes in a file of named arrays, as the image that `index` picks, or all its maps stacked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from spaxel.errors import ParameterError
from spaxel.readers.parts.axis import is_spectral
from spaxel.readers.parts.extra_axes import Index, Layout, Maps, as_image, plan_axes
from spaxel.readers.parts.lazy import check_axis_number
from spaxel.readers.parts.variables import Variable

CHANNELS = ("channel", "band", "spectral", "spectrum", "bin", "c")  # names of a spectral axis, beside those of its unit


def as_one_image(
    path: Path, variable: Variable, channel_axis: int | None, index: Index, lengths: Collection[int]
) -> tuple[Variable, Layout | None, list[str]]:
    """(the array with three axes, its layout or None if it has no more than three, what was guessed).

    channel_axis, index : options of the user     lengths : of the known spectral axes
    Raises ParameterError for an index where there is nothing to pick from; else as plan_axes does.
    """
    shape = variable.shape
    if index is None and sum(n > 1 for n in shape) <= 3:
        return variable, None, []
    if len(shape) <= 3:
        raise ParameterError(
            f"index={index!r} is for arrays of more than 3 axes, and {path.name} holds one of {shape}."
        )
    names = variable.labels or tuple(
        variable.scales.get(axis, "").rpartition("/")[2] or str(axis) for axis in range(len(shape))
    )
    at, guess = _channels(path, variable, names, channel_axis, lengths)
    layout = plan_axes(path, shape, names, at, index)
    read = variable.read
    maps = None if variable.source is None else Maps(variable.source, layout)
    image = replace(
        variable,
        shape=layout.image,
        read=lambda: as_image(read(), layout),
        source=maps,
        chunks=maps.chunks(variable.chunks) if maps else None,
        scales={2: variable.scales[at]} if at in variable.scales else {},
        spectral=2,
        labels=(),
    )
    return image, layout, [sentence for sentence in (layout.sentence(path), guess) if sentence]


def is_channel_name(name: str) -> bool:
    """Whether an axis of this name is spectral."""
    return is_spectral(name) or name.lower().rstrip("s") in CHANNELS


def _channels(
    path: Path, variable: Variable, names: tuple[str, ...], channel_axis: int | None, lengths: Collection[int]
) -> tuple[int, str]:
    """The spectral axis, and the sentence of what was guessed."""
    shape = variable.shape
    if channel_axis is not None:
        return check_axis_number(channel_axis, len(shape)), ""
    if variable.spectral is not None:
        return variable.spectral, ""
    for found in (
        [a for a, name in enumerate(names) if is_channel_name(name)],
        [a for a, n in enumerate(shape) if n in lengths],
    ):
        if len(found) == 1:
            return found[0], ""
    at = len(shape) - 1
    return at, (
        f"{path.name} does not say which of its axes {shape} is spectral; took the last ({shape[at]} channels). "
        "Option channel_axis decides."
    )
