"""The long format: one row for each value, under names such as x, y, wave, intensity; made one spectrum for each place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.errors import ReadError
from spaxel.readers.parts.axis import is_spectral, parse_cells
from spaxel.readers.parts.table_names import INTENSITY, bare, position_of
from spaxel.readers.parts.table_text import Table

DRIFT = 0.5  # of a step, that the axis of a spectrum may lie beside that of the first


class Long(NamedTuple):
    """Which columns hold the axis and the values, and which say whose value it is; `told`: the names say so."""

    axis: int
    value: int
    keys: list[int]
    told: bool


def find_long(table: Table, names: list[str] | None) -> Long | None:
    """The columns of a table in the long format, or None if it is not one. names : None without a header.

    With names: one is that of a spectral axis, one that of an intensity (or the only one left that is no key), and the axis
    comes round again. Without: four columns of numbers, in which the third goes through the same values while the first
    two stand still.
    """
    width = len(table.rows[0])
    if not 3 <= width <= 8:
        return None
    if names is None:
        return _unnamed(table) if width == 4 else None
    if any(parse_cells([name]) for name in names):
        return None
    spectral = [at for at, name in enumerate(names) if is_spectral(bare(name)) and not position_of(name)]
    rest = [at for at in range(width) if at not in spectral]
    values = [at for at in rest if INTENSITY.match(bare(names[at])) and not table.is_text(at)]
    values = [at for at in values if not position_of(names[at])] or values
    if len(spectral) != 1 or len(values) != 1 or table.is_text(spectral[0]):
        return None
    keys = [at for at in rest if at != values[0]]
    axis = table.values[1:, spectral[0]]
    return Long(spectral[0], values[0], keys, True) if keys and len(np.unique(axis)) * 1.5 < len(axis) else None


def _unnamed(table: Table) -> Long | None:
    """x, y, wave, intensity by their numbers alone."""
    values = table.values
    if table.bad or len(values) < 12 or not np.isfinite(values).all():
        return None
    moved = np.flatnonzero((np.diff(values[:, :2], axis=0) != 0).any(1)) + 1
    n = int(moved[0]) if len(moved) else 0
    if n < 3 or len(values) % n or not np.array_equal(moved, np.arange(n, len(values), n)):
        return None
    axes = values[:, 2].reshape(-1, n)
    steps = np.diff(axes[0])
    monotonic = bool((steps > 0).all() or (steps < 0).all())
    return Long(2, 3, [0, 1], False) if monotonic and (axes == axes[0]).all() else None


def pivot(table: Table, long: Long, first_row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(spectra (n, channel), axis (channel,), (n,) the row at which each begins), in the order of the file.

    What a spectrum lacks is NaN. Raises ReadError if spectra lie on axes that differ by more than half a step, or if a
    value stands there twice.
    """
    table.numbers(first_row, [long.axis, long.value])
    axis, value = table.values[first_row:, long.axis], table.values[first_row:, long.value]
    owner, begins = _owners(table, long.keys, first_row)
    n = len(begins)
    each = len(axis) // n
    if n * each == len(axis) and np.array_equal(owner, np.repeat(np.arange(n), each)):
        axes = axis.reshape(n, each)
        if (axes == axes[0]).all():
            return value.reshape(n, each), axes[0].copy(), begins + first_row
    places, common = _places(table, axis, owner)
    spectra = np.full((n, len(common)), np.nan)
    if len(np.unique(owner * len(common) + places)) < len(owner):
        raise ReadError(
            f"{table.path} is in the long format, and holds two values for one spectrum and place of the axis. Try "
            "grid=no, or to leave out what stands there twice."
        )
    spectra[owner, places] = value
    return spectra, common, begins + first_row


def _owners(table: Table, keys: list[int], first_row: int) -> tuple[np.ndarray, np.ndarray]:
    """(number of the spectrum that each row belongs to, the first row of each), numbered as they come in the file."""
    owner: np.ndarray = np.zeros(len(table.values) - first_row, np.int64)
    for at in keys:
        cells = np.array(table.texts(first_row, at)) if table.is_text(at) else table.values[first_row:, at]
        _, code = np.unique(cells, return_inverse=True)
        _, owner = np.unique(owner * (code.max() + 1) + code.ravel(), return_inverse=True)
    _, begins, owner = np.unique(owner, return_index=True, return_inverse=True)
    order = np.argsort(begins, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[owner.ravel()], begins[order]


def _places(table: Table, axis: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(place of each row on the common axis, that axis): all values that occur, or those of the longest spectrum."""
    common = np.unique(axis[np.isfinite(axis)])
    longest = np.bincount(owner).max()
    if len(common) > 1.5 * longest:
        common = np.unique(axis[owner == np.bincount(owner).argmax()])
    if not len(common) or not np.isfinite(axis).all():
        raise ReadError(f"{table.path} is in the long format, and a place on its axis is missing. Try to correct it.")
    places = (
        np.clip(np.searchsorted(common, axis), 1, max(1, len(common) - 1))
        if len(common) > 1
        else np.zeros(len(axis), int)
    )
    if len(common) > 1:
        places -= (axis - common[places - 1]) < (common[places] - axis)
        if (np.abs(axis - common[places]) > DRIFT * np.diff(common).max()).any():
            raise ReadError(
                f"{table.path} is in the long format, and its spectra lie on different axes. Try to bring them on one."
            )
    return places, common
