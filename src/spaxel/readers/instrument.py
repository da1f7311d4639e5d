"""Files of instruments, by RosettaSciIO (an optional library under the GPL): Bruker, Renishaw, HyperSpy, EMD, Gatan …"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note_guess
from spaxel.errors import CubeError, NotFound, ReadError
from spaxel.readers.parts.axis import Axis, is_spectral
from spaxel.readers.parts.events import events_in
from spaxel.readers.parts.extra_axes import Index, Layout, Maps, as_image, plan_axes
from spaxel.readers.parts.instrument_formats import FORMATS
from spaxel.readers.parts.instrument_kinds import MODULES, kind_of
from spaxel.readers.parts.lazy import LARGE, Computed, check_axis_number, lazy_array
from spaxel.readers.parts.reader import Reader
from spaxel.readers.parts.rosetta import Signal, read_signals
from spaxel.readers.parts.side import settle_axis

_ENERGY = {"ev", "kev", "1/cm", "cm-1"}


def open_instrument(
    path: str | Path,
    *,
    dataset: str | int | None = None,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    index: Index = None,
) -> xr.Dataset:
    """The spectrum image in a file of an instrument, eagerly up to 256 MiB: most of these formats cannot be read in parts.

    dataset      : title or number of the signal, if the file holds several that can be spectra
    channel_axis : 0, 1, 2 …, if the file does not tell which axis is the signal
    channel      : axis values, a file with them, or "index" to number the channels; else the file's, also uneven ones
    units        : of the axis, if the file does not say it
    index        : of a signal of more axes, the position to take, as "t=0"; else its maps are stacked along y, aloud
    A line scan becomes a cube of width 1, a single spectrum a cube of one pixel. attrs: elements, instrument, pixel_size
    [y, x] and pixel_units, where the file has them, and maps, where each stacked map begins.
    Raises MissingExtra without RosettaSciIO, ReadError (damaged, no or several spectrum images), NotFound, AxisError.
    """
    path = Path(path)
    signal, several = _choose(path, read_signals(path), dataset)
    axes = [signal["axes"][n] for n in range(len(signal["axes"]))]
    at, guess = _signal_axis(path, axes, channel_axis)
    names = [str(axis.get("name") or "") for axis in axes]
    layout = plan_axes(path, signal["data"].shape, names, at, index)
    spectra = _as_cube(path, signal["data"], layout)
    values, told, doubt = settle_axis(path, _axis(axes[at]), spectra.shape[2], channel, units)
    about = layout.attrs() | _attrs(signal.get("metadata", {})) | _pixel_size(axes, layout)
    cube = make_cube(spectra, values, told, source=str(path), **about)
    for sentence in filter(None, (*several, layout.sentence(path), *guess, *doubt)):
        cube = note_guess(cube, sentence)
    return cube


def _choose(path: Path, signals: list[Signal], dataset: str | int | None) -> tuple[Signal, list[str]]:
    """The signal that is meant, and what was guessed: of several spectrum images the first of the largest."""
    titles = [str(s.get("metadata", {}).get("General", {}).get("title") or "") for s in signals]
    held = "; ".join(f"{n} {t} {s['data'].shape}" for n, (t, s) in enumerate(zip(titles, signals, strict=True)))
    if dataset is not None:
        for number, (title, signal) in enumerate(zip(titles, signals, strict=True)):
            if str(dataset) in (title, str(number)):
                return _as_numbers(path, signal), []
        raise NotFound(f"{path} has no signal {dataset!r}. It has: {held or 'none'}.")
    plain = [s for s in signals if s["data"].dtype.names is None and s["data"].ndim and s["data"].dtype.kind != "O"]
    images = [s for s in plain if s["data"].ndim >= 3 and _is_spectral(s)]
    if images:
        largest = max(images, key=lambda s: (_says_which(s), s["data"].size))
        many = f"{path.name} holds {len(images)} spectrum images ({held}); took {titles[_place(signals, largest)]!r}"
        return largest, [f"{many}, the first of the largest. Option dataset decides."] if len(images) > 1 else []
    for found in ([s for s in plain if s["data"].ndim == n and _is_spectral(s)] for n in (2, 1)):
        if len(found) == 1:
            return found[0], []
        if found:
            raise ReadError(f"{path} holds several signals: {held}. Try dataset=… with a title or a number.")
    pictures = [s for s in plain if s["data"].ndim == 2]
    if len(pictures) == 1:
        words = f"{path.name} holds a picture and no spectra; took it as a cube of one channel"
        return _as_picture(pictures[0]), [f"{words}. Option dataset decides."]
    raise ReadError(f"{path} holds no spectrum image. It holds: {held or 'nothing'}. Try dataset=… if one is meant.")


def _place(signals: list[Signal], wanted: Signal) -> int:
    return next(n for n, signal in enumerate(signals) if signal is wanted)


def _as_numbers(path: Path, signal: Signal) -> Signal:
    if signal["data"].dtype.names is not None or signal["data"].dtype.kind == "O":
        raise CubeError(f"{path}: this signal is {signal['data'].dtype}, not an array of numbers. Try another dataset.")
    return _as_picture(signal) if signal["data"].ndim == 2 and not _is_spectral(signal) else signal


def _as_picture(signal: Signal) -> Signal:
    """An image without spectra, as one channel of it."""
    data = signal["data"][...]
    channel = {"size": 1, "navigate": False, "name": ""}
    axes = [signal["axes"][n] | {"navigate": True} for n in range(2)]
    return signal | {"data": data.reshape((*data.shape, 1)), "axes": [*axes, channel]}


def _is_spectral(signal: Signal) -> bool:
    return signal["data"].ndim == 3 or _says_which(signal)


def _says_which(signal: Signal) -> bool:
    """Whether the axes of a signal say which of them is spectral."""
    axes = [signal["axes"][n] for n in range(len(signal["axes"]))]
    return sum(not a.get("navigate", False) for a in axes) == 1 or any(_says_so(a) for a in axes)


def _says_so(axis: dict[str, Any]) -> bool:
    return is_spectral(str(axis.get("name", ""))) or str(axis.get("units", "")).lower() in _ENERGY


def _signal_axis(path: Path, axes: list[dict[str, Any]], channel_axis: int | None) -> tuple[int, list[str]]:
    if channel_axis is not None:
        return check_axis_number(channel_axis, len(axes)), []
    for told in ([not a.get("navigate", False) for a in axes], [_says_so(a) for a in axes]):
        if sum(told) == 1:
            return told.index(True), []
    n_channels = axes[-1]["size"]
    sentence = f"{path.name} does not say which axis is the signal; took the last ({n_channels} channels)."
    return len(axes) - 1, [f"{sentence} Option channel_axis decides."]


def _as_cube(path: Path, data: Any, layout: Layout) -> Any:
    """(y, x, channel): loaded if it is small, because most libraries parse the whole file for every part of it."""
    if (events := events_in(data)) is not None:
        part = f"events {layout.channel} {layout.positions}"
        return lazy_array(Maps(events, layout), path=path, part=part)
    if isinstance(data, np.ndarray):
        return as_image(data, layout)
    if not hasattr(data, "compute"):  # an array of Zarr, or numbers that are mapped
        maps = Maps(data, layout)
        part = f"{getattr(data, 'name', '')} {layout.channel} {dict(layout.picked)}"
        return lazy_array(maps, path=path, part=part, storage_chunks=maps.chunks(getattr(data, "chunks", None)))
    spectra = as_image(data, layout)
    if spectra.nbytes <= LARGE:
        return spectra.compute()
    stored = tuple(max(side) for side in spectra.chunks)
    part = f"{layout.channel} {layout.positions[:1]} {spectra.name}"
    return lazy_array(Computed(spectra), path=path, part=part, storage_chunks=stored)


def _axis(axis: dict[str, Any]) -> Axis | None:
    name, units = str(axis.get("name") or "signal axis"), axis.get("units")
    if "axis" in axis:
        values = np.asarray(axis["axis"], dtype=float)
    elif axis.get("scale") is not None:
        values = float(axis.get("offset") or 0) + float(axis["scale"]) * np.arange(int(axis["size"]))
    else:
        return None
    units = units if isinstance(units, str) and units else None
    numbered = units is None and np.array_equal(values, np.arange(len(values)))
    return None if numbered else Axis(values, units, f"the axis {name}", name)


def _attrs(metadata: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if elements := metadata.get("Sample", {}).get("elements"):
        found["elements"] = [str(element) for element in elements]
    instrument = metadata.get("Acquisition_instrument", {})
    names = [instrument.get(key, {}).get("microscope") for key in ("SEM", "TEM")]
    names.append(instrument.get("Detector", {}).get("model"))
    if named := next((name for name in names if name), None):
        found["instrument"] = str(named)
    return found


def _pixel_size(axes: list[dict[str, Any]], layout: Layout) -> dict[str, Any]:
    """pixel_size [y, x] and pixel_units, if both sides of the image have a scale in one unit."""
    sides = [axes[side] for side in (layout.y, layout.x) if side is not None]
    units = {str(side.get("units") or "") for side in sides}
    if len(sides) != 2 or len(units) != 1 or any(side.get("scale") is None for side in sides):
        return {}
    return {"pixel_size": [abs(float(side["scale"])) for side in sides], "pixel_units": units.pop()}


def _sniff(path: Path, head: bytes) -> bool:
    return bool(kind_of(path, head))


reader = Reader(
    "instrument",
    "a file of an instrument (RosettaSciIO)",
    tuple(f".{suffix}" for suffix in MODULES),
    _sniff,
    open_instrument,
    "vendors",
    formats=FORMATS,
)
