"""How long a run takes, and how much memory: rates that were measured once, scaled by how fast this machine is now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from spaxel.cube.computing import cores
from spaxel.cube.sampling import MOST_CELLS, read_tile
from spaxel.cube.tiles import grid
from spaxel.errors import ParameterError
from spaxel.pace import duration

REFERENCE = 0.0188  # seconds of `_work` on the machine on which the rates were measured
BY_CELLS = ("native", "hdf5", "matlab")  # readers of formats that keep rectangles together
FEW_ROWS = 8
BEGUN = 3.0  # CPU seconds of a command that fits nothing, before it maps
SAMPLED = 8000  # spectra on which a fit spends most of its time


class Rate(NamedTuple):
    """CPU seconds of a method: whatever the cube, per million values of its sample, of the cube, and per million pixels."""

    fixed: float
    sampled: float
    mapped: float
    pixels: float = 5.0


RATES = {  # benchmarks/expected.py compares them with what runs take
    "kmeans": Rate(4.5, 0.55, 0.04),
    "consensus": Rate(6.5, 0.9, 0.10, 15.0),
    "learned": Rate(6.0, 0.9, 0.10, 30.0),
    "dsc": Rate(13.0, 1.9, 0.10),
    "dgc": Rate(24.0, 0.6, 0.30),
    "mcr": Rate(7.5, 0.2, 0.04, 10.0),
    "ebgmcr": Rate(12.0, 1.0, 0.06, 10.0),
    "library": Rate(20.0, 100.0, 0.0, 40_000.0),
    "nmf": Rate(4.0, 0.6, 0.03, 10.0),
    "mcr-als": Rate(5.0, 1.2, 0.03, 10.0),
}

LEARNING = {  # bytes of a fit by bytes of its sample in float32; benchmarks/foreseen.py compares them with what runs take
    "kmeans": 5.0,
    "consensus": 14.0,
    "learned": 14.0,
    "dsc": 6.0,
    "dgc": 4.0,
    "mcr": 12.0,
    "ebgmcr": 14.0,
    "library": 12.0,
    "nmf": 8.0,
    "mcr-als": 8.0,
}
SAMPLE = {  # spectra that a fit looks at, where nothing else is asked
    "kmeans": 20_000,
    "consensus": 10_000,
    "learned": 10_000,
    "dsc": 20_000,
    "dgc": 20_000,
    "mcr": 8_000,
    "ebgmcr": 8_000,
    "library": 2_000,
}


class Pace(NamedTuple):
    """seconds_per_value : of reading      slowness : of computing, beside the machine of the rates."""

    seconds_per_value: float
    slowness: float


def unknown_method(methods: Sequence[str]) -> None:
    """Raise ParameterError for a method that does not exist."""
    if wrong := [name for name in methods if name not in RATES]:
        raise ParameterError(f"There is no method {wrong[0]!r}. Known: {', '.join(RATES)}.")


def measured(cube: xr.Dataset) -> Pace:
    """How fast a cube is read and this machine computes, tried on one cell of 64 x 64 pixels."""
    return Pace(_seconds_per_value(cube), _slowness())


def expected_seconds(
    cube: xr.Dataset, method: str = "consensus", pace: Pace | None = None, *, fit: bool = True
) -> float:
    """Seconds that `spaxel segment` (or unmix) of a cube takes, with the defaults of a method.

    pace : if it is measured already      fit : else, with a model that is there: what `predict` takes

    Fails, by more than a factor of three, on another machine than this one, when its load changes, where data are hard (many
    components in a table of mixtures), and with other parameters than the defaults. Raises ParameterError for an unknown
    method.
    """
    unknown_method([method])
    pace = pace or measured(cube)
    rate, (height, width, channels) = RATES[method], cube["spectra"].shape
    values = height * width * channels
    sampled = min(height * width, SAMPLED) * channels
    mapping = (rate.mapped * values + rate.pixels * height * width) / 1e6
    learning = rate.fixed + rate.sampled * sampled / 1e6 if fit else BEGUN
    computing = learning + mapping
    visited = min(values, MOST_CELLS * 64 * 64 * channels) if fit else 0
    return computing * pace.slowness + pace.seconds_per_value * (values / min(2, cores()) + 2 * visited)


def learning_memory(method: str, sample: int, channels: int) -> float:
    """Bytes that a fit holds of so many spectra and what it makes of them, at most."""
    return LEARNING[method] * 4 * sample * channels


def data_memory(bound: int, learning: float, whole: int) -> float:
    """Bytes of data that a run holds at most: what --memory allows, or the fit. whole : of the cubes; small ones take less"""
    return max(min(bound, 3 * whole), learning)


def in_short(seconds: float) -> str:
    """A rough time: 'about 20 s', 'about 4 min'; no more digits than it deserves."""
    digits = 10 ** max(0, int(np.log10(max(seconds, 1))))
    rounded = round(seconds / digits) * digits if seconds < 100 else seconds
    return f"about {duration(max(rounded, 1))}"


def _seconds_per_value(cube: xr.Dataset) -> float:
    """Of reading, tried on one cell in the middle: of files that keep whole rows of the image together on few of its rows."""
    cells = grid(cube.sizes["y"], cube.sizes["x"])
    cell = cells[len(cells) // 2]
    if cube.attrs.get("reader") not in BY_CELLS:
        cell = cell._replace(y1=min(cell.y1, cell.y0 + FEW_ROWS))
    begun = time.perf_counter()
    read_tile(cube, cell, "keep")
    return (time.perf_counter() - begun) / (cell.n_pixels * cube.sizes["channel"])


def _slowness() -> float:
    """How many times longer this machine takes than the one on which the rates were measured, at its load now."""
    seconds = []
    with threadpool_limits(1):
        for _ in range(4):
            begun = time.perf_counter()
            _work()
            seconds.append(time.perf_counter() - begun)
    return float(np.mean(seconds[1:])) / REFERENCE


def _work() -> float:
    """What methods do most: products, roots, and the nearest of some centres."""
    x = np.linspace(0.0, 1.0, 1500 * 256).reshape(1500, 256)
    scores = np.sqrt(x) @ x[:256] if len(x) >= 256 else x
    for _ in range(3):
        apart = (scores**2).sum(1)[:, None] - 2 * scores @ scores[:64].T
        scores = scores + 1e-9 * apart.argmin(1)[:, None]
    return float(scores.sum())
