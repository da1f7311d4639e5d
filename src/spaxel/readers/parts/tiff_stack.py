"""TIFF files of several pages: plain stacks, ImageJ hyperstacks and OME-TIFF, with up to any number of axes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.extra_axes import Index, Maps, as_image, plan_axes
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.lazy import LARGE, check_axis_number, lazy_array
from spaxel.readers.parts.limits import check_believable
from spaxel.readers.parts.look import look_for_channels
from spaxel.readers.parts.ome import axis_of_names, of_xml, pixel_attrs
from spaxel.readers.parts.tiff_check import check_page

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

_MICROMETRES = ("micron", "microns", "um", "µm", "\\u00b5m", "\\u00B5m")


class Stack(NamedTuple):
    """(y, x, channel), lazy unless it is small and compressed; its spectral axis if the file names one; attrs; guesses."""

    spectra: Any
    axis: Axis | None
    attrs: dict[str, Any]
    guesses: list[str]


def read_stack(path: Path, tiff: TiffFile, channel_axis: int | None, index: Index) -> Stack:
    """The first series of an open TIFF. Raises AxisError, ParameterError (index), ReadError (an image that cannot be)."""
    series = tiff.series[0]
    shape, axes = tuple(series.shape), series.axes
    if len(shape) == 2:
        shape, axes = (*shape, 1), axes + "S"
    check_believable(path, "the image", shape)
    source, stored = _source(path, tiff, series, shape)
    at, guess = _channel(path, source, axes, channel_axis)
    layout = plan_axes(path, shape, list(axes.lower()), at, index)
    axis, attrs = _described(tiff, shape[at])
    guesses = [sentence for sentence in (guess, layout.sentence(path)) if sentence]
    if isinstance(source, np.ndarray):
        return Stack(as_image(source, layout), axis, attrs | layout.attrs(), guesses)
    maps, part = Maps(source, layout), f"{at} {dict(layout.picked)}"
    spectra = lazy_array(maps, path=path, part=part, storage_chunks=maps.chunks(stored))
    return Stack(spectra, axis, attrs | layout.attrs(), guesses)


@dataclass(frozen=True)
class Pages:
    """The compressed pages of a TIFF as an array of all its axes; each slice opens the file anew and reads what it needs.

    shape : of the series     inner : how many of the last axes lie within one page
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    inner: int

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key: tuple[Any, ...]) -> np.ndarray:
        import tifffile

        outer = self.shape[: len(self.shape) - self.inner]
        wanted = [np.arange(n)[k] for k, n in zip(key, outer, strict=False)]
        with tifffile.TiffFile(self.path) as tiff:
            pages = tiff.series[0].pages
            blocks = [self._page(pages, place, key) for place in product(*(np.atleast_1d(w) for w in wanted))]
        sides = [w.size for w in wanted if w.ndim]
        return np.stack(blocks).reshape((*sides, *blocks[0].shape))

    def _page(self, pages: Any, place: tuple[int, ...], key: tuple[Any, ...]) -> np.ndarray:
        outer = self.shape[: len(self.shape) - self.inner]
        page = pages[int(np.ravel_multi_index(place, outer)) if outer else 0]
        if page is not None:
            check_page(self.path, page.aspage())
        whole = np.zeros(self.shape[len(outer) :], self.dtype) if page is None else page.asarray()
        return whole.reshape(self.shape[len(outer) :])[key[len(outer) :]].astype(self.dtype, copy=False)


def _source(path: Path, tiff: TiffFile, series: TiffPageSeries, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """An array-like of all axes, and the chunks of its storage: the numbers themselves if they are few and compressed."""
    dtype = np.dtype(series.dtype)
    if series.dataoffset is not None and not series.is_multifile:
        return FileArray(path, dtype.newbyteorder(tiff.byteorder), shape, series.dataoffset).check_size(), None
    page = tuple(series.keyframe.shape)
    fits = prod(shape) == prod(page) * len(series.pages) and shape[len(shape) - len(page) :] == page
    if prod(shape) * dtype.itemsize <= LARGE or not fits:
        return series.asarray().reshape(shape), None
    return Pages(path, shape, dtype, len(page)), (*(1,) * (len(shape) - len(page)), *page)


def _channel(path: Path, source: Any, axes: str, given: int | None) -> tuple[int, str]:
    """The spectral axis, and the sentence of what was guessed; where only the shape speaks, the numbers are looked at."""
    shape = source.shape
    if given is not None:
        return check_axis_number(given, len(shape)), ""
    others = [axis for axis, letter in enumerate(axes) if letter not in "YX"]
    told = [axis for axis in others if axes[axis] in "CS" and shape[axis] > 1]
    if told or not [axis for axis in others if shape[axis] > 1]:
        return (told or others or [0])[0], ""
    at = max(others, key=lambda axis: shape[axis])
    if len(shape) != 3:
        words = f"has no axis of channels ({axes} {shape}); took {axes[at]} as the spectral axis"
        return at, f"{path.name} {words}. Option channel_axis decides."
    pages = shape[at]
    at, why = look_for_channels(source, at)
    took = f"took axis {at} of {shape} as {shape[at]} channels, {why}"
    return at, f"{path.name} does not say what its {pages} pages are; {took}. Option channel_axis decides."


def _described(tiff: TiffFile, n_channels: int) -> tuple[Axis | None, dict[str, Any]]:
    """The spectral axis and the attrs that a description in the file holds: OME-XML, or ImageJ's."""
    if tiff.is_ome and tiff.ome_metadata:
        return of_xml(tiff.ome_metadata, n_channels)
    told = tiff.imagej_metadata if tiff.is_imagej else None
    if not told:
        return None, {}
    labels = told.get("Labels") or []
    axis = axis_of_names(labels, "the labels of ImageJ") if len(labels) == n_channels else None
    unit = str(told.get("unit") or "")
    sizes = [_size(tiff.pages.first, name) for name in ("YResolution", "XResolution")]
    known = unit and unit.lower() not in ("pixel", "pixels")
    return axis, pixel_attrs(sizes, ["um" if unit in _MICROMETRES else unit] * 2) if known else {}


def _size(page: Any, name: str) -> float | None:
    """The size of a pixel by a tag that holds pixels per unit, as a fraction."""
    tag = page.tags.get(name)
    value = None if tag is None else tag.value
    return value[1] / value[0] if isinstance(value, tuple) and len(value) == 2 and value[0] else None
