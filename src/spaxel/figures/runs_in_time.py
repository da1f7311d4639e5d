"""Which spectra of a result follow each other: runs in order, with their times where names are times."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.results.convention import spectra_names

FEWEST = 4  # spectra of a run
MOST_ROWS = 16  # of an image whose rows may be runs
LONG = 5  # times as long as there are rows
_TIME = re.compile(r"^\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([A-Za-zµ/]*)\s*$")


class Run(NamedTuple):
    """Spectra in order. name : '' of the only one      at : (n,) flat places in the image     x : (n,) times or numbers

    names : of its spectra, [] where they have none; words : of x, as 'time (min)' or 'spectrum'
    """

    name: str
    at: np.ndarray
    x: np.ndarray
    names: list[str]
    words: str


def runs_of(result: xr.Dataset) -> list[Run]:
    """The runs of a result: groups of a table that lie together, times that start again, rows of a long image; else one.

    A run is a list of spectra in the order of the table; x are times where the names of spectra are numbers, as '1.25 min'.
    """
    rows, columns = result["labels"].shape
    places = np.arange(rows * columns)
    if min(rows, columns) > 1:
        if columns >= rows:
            return [_numbered(f"row {y}", places[y * columns : (y + 1) * columns]) for y in range(rows)]
        return [_numbered(f"column {x}", places[x::columns]) for x in range(columns)]
    known = spectra_names(result)
    names = known.get("sample", ("y", []))[1]
    groups = known.get("group", ("y", []))[1]
    times, unit = _times(names)
    starts = _starts(groups, times, len(places))
    found: list[Run] = []
    for start, end in zip(starts, [*starts[1:], len(places)], strict=True):
        own = names[start:end]
        name = groups[start] if groups and len(starts) > 1 else f"run {len(found) + 1}" if len(starts) > 1 else ""
        x = times[start:end] if times is not None else np.arange(end - start, dtype=float)
        words = "spectrum" if times is None else f"time ({unit})" if unit else "time"
        found.append(Run(name, places[start:end], x, own, words))
    return found


def looks_like_runs(shape: tuple[int, ...]) -> bool:
    """Whether an image has so few rows, or columns, that its profiles say more than its map."""
    return 1 < min(shape) <= MOST_ROWS and max(shape) >= LONG * min(shape)


def in_order(run: Run) -> bool:
    """Whether neighbours of a run may be joined by a line: in order of time, or too many to be single samples."""
    return run.words.startswith("time") or len(run.at) > 60


def _numbered(name: str, at: np.ndarray) -> Run:
    return Run(name, at, np.arange(len(at), dtype=float), [], "pixel")


def _times(names: list[str]) -> tuple[np.ndarray | None, str]:
    """Names as times and their unit; None where one is no number, or they do not rise but for a few new starts."""
    found = [_TIME.match(name) for name in names]
    if not found or not all(found):
        return None, ""
    values = np.array([float(m[1]) for m in found if m])
    falls = int((np.diff(values) <= 0).sum())
    units = {m[2] for m in found if m}
    if len(values) < FEWEST or falls > len(values) // FEWEST or len(units) > 1 or (not units - {""} and falls):
        return None, ""
    return values, units.pop()


def _starts(groups: list[str], times: np.ndarray | None, n: int) -> list[int]:
    """Where runs begin."""
    if times is not None and (again := np.flatnonzero(np.diff(times) <= 0) + 1).size:
        return [0, *again.tolist()]
    if groups:
        changes = [i for i in range(1, n) if groups[i] != groups[i - 1]]
        lengths = np.diff([0, *changes, n])
        if len(changes) + 1 == len(set(groups)) and 1 < len(lengths) <= n // FEWEST and lengths.min() >= FEWEST:
            return [0, *changes]
    return [0]
