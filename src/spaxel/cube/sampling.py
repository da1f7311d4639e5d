"""Reading a cube piece by piece: one tile, or a sample of spectra whose addresses are drawn before anything is read.

Who is drawn depends on the seed, the size of the image and which pixels hold data, never on tile size, memory or workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.blocks import read_blocks, says_the_same
from spaxel.cube.gaps import BY_VALUES, LEAST, MARKED, PARTLY, Gaps, completion_of, filled_in, judge
from spaxel.cube.growing import Growing
from spaxel.cube.noise import Gathered, Noise, joined_noise, read_variance
from spaxel.cube.remembered import forget
from spaxel.cube.tiles import CELL, Tile, grid, with_halo
from spaxel.errors import CubeError, MemoryBudgetError, ParameterError
from spaxel.pace import tell

MOST_CELLS = 256  # cells that one sample visits: at 40 spectra each, 10,000 of an image of any size
MOST_PAIRS = 8000  # pairs of neighbours that one sample holds
MOST_TOGETHER = 2**25  # bytes of cells that are read together
STRIP = 8  # rows of pixels whose neighbours are added together
THINNER = 0.75  # times the share of spectra that are held, whenever there are 4/3 of those that are wanted


class Sample(NamedTuple):
    """Spectra drawn from one or several cubes, all usable.

    spectra     : (n, channel), in the cube's dtype
    pairs       : (m, 2, channel), spectra of pixels and of their right neighbours; m = 0 for a table
                  (m, 3, 2 channel) with a context, or (m, 2, 2 channel), see sample_spectra
    valid_share : usable pixels over those that were looked at
    runs        : (n,) the cube of each spectrum, where all were read in their order; else None
    noise       : what the variance says, where each cube has one; else None
    """

    spectra: np.ndarray
    pairs: np.ndarray
    valid_share: float
    runs: np.ndarray | None = None
    noise: Noise | None = None

    def differences(self) -> np.ndarray:
        """(m, channel) float64: a spectrum minus its right neighbour's, which is noise where the scene is smooth."""
        return np.subtract(self.pairs[:, 0], self.pairs[:, 1], dtype=np.float64)


def read_tile(cube: xr.Dataset, tile: Tile, gaps: Gaps = "complete", context: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The spectra of one tile and which of them are usable: (rows, columns, channel) and (rows, columns) bool.

    gaps    : what becomes of missing values, see spaxel.cube.gaps
    context : 0, or the odd side of a window; each spectrum is then followed by the mean of its usable neighbours in the
              window around it (itself, if it has none): (rows, columns, 2 channel), the same bits whatever the tile
    """
    spectra, why = judged_tile(cube, tile, gaps, context)
    return spectra, why < MARKED


def judged_tile(
    cube: xr.Dataset, tile: Tile, gaps: Gaps = "complete", context: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """As `read_tile`, with what spaxel.cube.gaps.judge says of each spectrum: (rows, columns) uint8."""
    parts, why, _ = _judged(cube, tile, gaps, context)
    return _beside(parts), why


def judged_parts(
    cube: xr.Dataset, tile: Tile, gaps: Gaps = "complete", context: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """As `judged_tile`, but the spectra as they are read, and apart from them the means: half of the memory, and no copy."""
    return _judged(cube, tile, gaps, context)[:2]


def _beside(parts: list[np.ndarray]) -> np.ndarray:
    """Spectra and what is beside them, (rows, columns, channel) each, as one array."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2, dtype=parts[1].dtype)


def _judged(
    cube: xr.Dataset, tile: Tile, gaps: Gaps, context: int = 0, beside: tuple[str, ...] = ()
) -> tuple[list[np.ndarray], np.ndarray, dict[str, np.ndarray]]:
    """As `judged_parts`, with further variables of the cube by name, read with it; those that it has not are left out."""
    halo = context // 2
    around, inside = with_halo(tile, (cube.sizes["y"], cube.sizes["x"]), halo)
    by_values = "valid" in cube and bool(cube["valid"].attrs.get(BY_VALUES))
    looked = "valid" in cube and not (by_values and says_the_same(cube["valid"].data, cube["spectra"].data))
    further = [name for name in beside if name in cube]
    names = ["spectra", *["valid"] * looked, *further]
    read = dict(zip(names, read_blocks([cube[name].data for name in names], around), strict=True))
    spectra, valid = read["spectra"], read.get("valid")
    model = completion_of(cube) if gaps == "complete" else None
    least = 0.0 if gaps == "any" else 1.0 if gaps == "complete" and model is None else LEAST
    why = judge(spectra, valid, least, by_values=by_values)
    if (why == PARTLY).any():
        spectra = filled_in(spectra, why == PARTLY, model)
    more = {name: read[name][inside] for name in further}
    if not context:
        return [spectra], why, more
    return [spectra[inside], _neighbours_mean(spectra, why < MARKED, halo, inside)], why[inside], more


def saturated(cube: xr.Dataset, tile: Tile) -> np.ndarray:
    """(rows, columns) bool: pixels of a tile at which a detector was full. They get labels, but no fit looks at them."""
    if "saturated" not in cube:
        return np.zeros((tile.y1 - tile.y0, tile.x1 - tile.x0), bool)
    return read_blocks([cube["saturated"].data], tile)[0].astype(bool)


class Cell(NamedTuple):
    """A cell as a sample sees it.

    spectra : (rows, columns, channel)      variance : of their noise, if it is known
    measured, saturated : (rows, columns) bool, which hold data, and at which a detector was full
    """

    spectra: np.ndarray
    measured: np.ndarray
    saturated: np.ndarray
    variance: np.ndarray | None


def _cells(
    cube: xr.Dataset, tiles: list[Tile], memory: int | None, gaps: Gaps, context: int
) -> Iterator[tuple[Tile, Cell]]:
    """Cells one after the other; neighbours in a row are read together where the memory allows."""
    itemsize = cube["spectra"].dtype.itemsize + (cube["variance"].dtype.itemsize if "variance" in cube else 0)
    most = MOST_TOGETHER if memory is None else min(MOST_TOGETHER, memory // 8)
    per_pixel, start = cube.sizes["channel"] * itemsize, 0
    while start < len(tiles):
        first, stop = tiles[start], start + 1
        while not context and stop < len(tiles) and tiles[stop][:3] == (first.y0, first.y1, tiles[stop - 1].x1):
            if (tiles[stop].x1 - first.x0) * (first.y1 - first.y0) * per_pixel > most:
                break
            stop += 1
        together = first._replace(x1=tiles[stop - 1].x1)
        parts, why, more = _judged(cube, together, gaps, context, ("saturated", "variance"))
        spectra = _beside(parts)
        for tile in tiles[start:stop]:
            part = slice(None), slice(tile.x0 - first.x0, tile.x1 - first.x0)
            full = more["saturated"][part].astype(bool) if "saturated" in more else np.zeros(why[part].shape, bool)
            yield (
                tile,
                Cell(spectra[part], why[part] < MARKED, full, more["variance"][part] if "variance" in more else None),
            )
        start = stop


def _neighbours_mean(spectra: np.ndarray, good: np.ndarray, halo: int, inside: tuple[slice, slice]) -> np.ndarray:
    """Mean of the usable spectra around each pixel inside, without its own; additions in one order for every pixel."""
    rows, columns = (part.stop - part.start for part in inside)
    found = np.empty((rows, columns, spectra.shape[2]), np.result_type(spectra.dtype, np.float32))
    for start in range(0, rows, STRIP):
        stop = min(start + STRIP, rows)
        place = slice(inside[0].start + start, inside[0].start + stop), inside[1]
        found[start:stop] = _means_of(spectra, good, halo, place)
    return found


def _means_of(spectra: np.ndarray, good: np.ndarray, halo: int, place: tuple[slice, slice]) -> np.ndarray:
    """Of one strip; pixels that lie outside of what is there count as not usable."""
    (height, width), size = [part.stop - part.start for part in place], good.shape
    wide = tuple(slice(max(p.start - halo, 0), min(p.stop + halo, n)) for p, n in zip(place, size, strict=True))
    at = tuple(slice(w.start - p.start + halo, w.stop - p.start + halo) for w, p in zip(wide, place, strict=True))
    total = np.zeros((height + 2 * halo, width + 2 * halo, spectra.shape[2]), np.result_type(spectra.dtype, np.float32))
    total[at] = spectra[wide]
    if not good[wide].all():
        total[at][~good[wide]] = 0
    member = np.zeros(total.shape[:2], total.dtype)
    member[at] = good[wide]
    own, good = total[halo : halo + height, halo : halo + width], good[place]
    for n, axis in ((height, 0), (width, 1)):
        total, member = (_window_sums(values, axis, n) for values in (total, member))
    others = member - good
    total -= own
    total /= np.maximum(others, 1)[..., None]
    if (alone := others <= 0).any():
        total[alone] = own[alone]
    return total


def _window_sums(values: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Sums of the values that follow each of the first n along an axis, as many as there are beyond n, one after the other."""
    at = [values[(slice(None),) * axis + (slice(i, i + n),)] for i in range(values.shape[axis] - n + 1)]
    total = at[0] + at[1]
    for more in at[2:]:
        total += more
    return total


def sample_spectra(
    cube: xr.Dataset,
    n: int,
    seed: int = 0,
    memory: int | None = None,
    gaps: Gaps = "complete",
    context: int = 0,
    share: float = 1.0,
    third: bool = True,
) -> Sample:
    """About n spectra of a cube, spread evenly over it, read cell by cell: 256 cells, or more until these hold n.

    cube : lazy or not     n : at most this many; every usable one if the cube holds no more
    seed : decides which     memory : bytes; a cell of 64 x 64 pixels must fit into a third of it
    gaps : what becomes of missing values, see spaxel.cube.gaps
    context : as in `read_tile`; each pair is then followed by a third spectrum, `context` pixels to the right of the first,
              so that their windows share no pixel
    share : of the pairs and visited cells of a whole sample, where this is a part of one
    third : whether pairs have that third spectrum
    Raises CubeError if no pixel holds data, MemoryBudgetError if one cell is too large.
    Fails to meet a class that is rarer than about 10 / n.
    """
    height, width, _ = cube["spectra"].shape
    _check_memory(cube, memory)
    cells = grid(height, width)
    order, most = np.random.default_rng([seed, 0]).permutation(len(cells)), int(np.ceil(MOST_CELLS * share))
    n_pixels = sum(cells[i].n_pixels for i in order[:most])
    kept, pairs, n_usable, held, looked = Thinned(n), Growing(), 0, 0, 0
    noise, rows = (Gathered(cube.sizes["channel"]), Thinned(n)) if "variance" in cube else (None, None)
    visited = [*np.sort(order[:most]), *order[most:]]
    seen = _cells(cube, [cells[i] for i in visited], memory, gaps, context)
    for place, i in enumerate(visited):
        if place >= most and n_usable >= n:  # only where the first ones are nearly empty are more visited
            break
        tell("sample", place, min(most, len(cells)))
        tile, (block, measured, full, variance) = next(seen)
        good = measured & ~full
        rng = np.random.default_rng([seed, 1, int(i)])
        shuffled = rng.permutation(int(good.sum()))
        kept.add(block, good, shuffled)
        if noise and rows and variance is not None:
            rows.add(_as_block(noise.add(variance[good]), good), good, shuffled)
        wanted = int(np.ceil(MOST_PAIRS * share * tile.n_pixels / n_pixels))
        pairs.add(_draw_pairs(block, good, wanted, rng, context, third=third)[: MOST_PAIRS - len(pairs)])
        n_usable, held, looked = n_usable + int(good.sum()), held + int(measured.sum()), looked + good.size
    tell("sample", min(most, len(cells)), min(most, len(cells)))
    if not n_usable:
        none = f"{source}: no" if (source := cube.attrs.get("source")) else "No"
        raise CubeError(
            f"{none} pixel holds data: all are zero, not finite, or marked as invalid. Try spaxel info on the file."
        )
    spectra = kept.drawn(np.random.default_rng([seed, 5]))
    known = noise.noise(rows.drawn(np.random.default_rng([seed, 5]))[:, 0]) if noise and rows else None
    return Sample(spectra, pairs.taken(), held / looked, noise=known)


def sample_cubes(
    cubes: list[xr.Dataset], n: int, seed: int = 0, memory: int | None = None, gaps: Gaps = "complete", context: int = 0,
    *, third: bool = True,
) -> Sample:  # fmt: skip
    """A sample of n spectra in all, and of pairs, from several cubes, each with a share like its number of pixels."""
    pixels = np.array([c.sizes["y"] * c.sizes["x"] for c in cubes])
    if len(cubes) == 1:
        whole = sample_spectra(cubes[0], n, seed, memory, gaps, context, third=third)
        forget()
        return whole
    spectra, pairs, valid, noises = Growing(), Growing(), [], []
    for i, (cube, share) in enumerate(zip(cubes, pixels / pixels.sum(), strict=True)):
        part = sample_spectra(cube, int(np.ceil(n * share)), seed + i, memory, gaps, context, share, third)
        spectra.add(part.spectra)
        pairs.add(part.pairs)
        valid.append(part.valid_share)
        noises.append(part.noise)
    forget()
    noise = joined_noise(noises, pixels)
    noise = None if noise is None else noise._replace(row=_evenly(noise.row, n))
    share = float(np.average(valid, weights=pixels))
    return Sample(_evenly(spectra, n), _evenly(pairs, MOST_PAIRS), share, noise=noise)


def _as_block(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Values (n, 1) of the usable pixels of a cell, (rows, columns, 1)."""
    block = np.zeros((*good.shape, 1))
    block[good] = values
    return block


def _evenly(rows: np.ndarray | Growing, most: int) -> np.ndarray:
    """At most `most` rows, from the first to the last."""
    chosen = np.arange(most) * len(rows) // most
    if isinstance(rows, Growing):
        if len(rows) > most:
            rows.keep(chosen)
        return rows.taken()
    return rows if len(rows) <= most else rows[chosen]


def ordered_cubes(cubes: list[xr.Dataset], most: int, memory: int | None = None, gaps: Gaps = "complete") -> Sample:
    """All usable spectra of cubes in their order (row by row), with the cube of each as its run.

    Raises ParameterError if there are more than `most`, CubeError if none holds data, MemoryBudgetError as `sample_spectra`.
    """
    pixels = sum(cube.sizes["y"] * cube.sizes["x"] for cube in cubes)
    if pixels > most:
        raise ParameterError(
            f"There are {pixels} spectra, but these constraints look at all of them and n_sample is {most}. Try a larger "
            "n_sample, or a part of the data."
        )
    spectra, runs, noises = [], [], []
    for run, cube in enumerate(cubes):
        _check_memory(cube, memory)
        whole = Tile(0, cube.sizes["y"], 0, cube.sizes["x"])
        block, good = read_tile(cube, whole, gaps)
        spectra.append(block[good])
        runs.append(np.full(int(good.sum()), run))
        noises.append(_noise_of(cube, whole, good))
    forget()
    held = np.concatenate(spectra)
    if not len(held):
        raise CubeError(
            "No pixel holds data: all are zero, not finite, or marked as invalid. Try spaxel info on the file."
        )
    noise = joined_noise(noises, np.array([max(len(part), 1) for part in spectra]))
    return Sample(held, np.empty((0, 2, held.shape[1]), held.dtype), len(held) / pixels, np.concatenate(runs), noise)


def _noise_of(cube: xr.Dataset, tile: Tile, good: np.ndarray) -> Noise | None:
    """What the variance says of all usable spectra of a tile; None without one."""
    if "variance" not in cube:
        return None
    gathered = Gathered(cube.sizes["channel"])
    return gathered.noise(gathered.add(read_variance(cube, tile)[good])[:, 0])


class Thinned:
    """About n spectra of all that are added, the same share of each group, without holding more than some 4/3 n."""

    def __init__(self, n: int) -> None:
        self._n, self._share = n, 1.0
        self._spectra = Growing()  # of one cell after the other, each in random order
        self._held: list[int] = []  # how many of each
        self._of: list[int] = []  # how many it had

    def add(self, block: np.ndarray, good: np.ndarray, shuffled: np.ndarray) -> None:
        """The spectra of one cell. good : (rows, columns) bool, the usable ones      shuffled : their order, drawn at random"""
        y, x = np.nonzero(good)
        first = shuffled[: int(np.ceil(len(shuffled) * self._share))]
        self._spectra.add(block[y[first], x[first]])
        self._held.append(len(first))
        self._of.append(len(shuffled))
        while 3 * len(self._spectra) > 4 * self._n + 3 * len(self._held):
            self._share *= THINNER
            self._thin()

    def _thin(self) -> None:
        starts = np.cumsum([0, *self._held])[:-1]
        self._held = [min(held, int(np.ceil(n * self._share))) for held, n in zip(self._held, self._of, strict=True)]
        self._spectra.keep(np.concatenate([at + np.arange(n) for at, n in zip(starts, self._held, strict=True)]))

    def drawn(self, rng: np.random.Generator) -> np.ndarray:
        """At most n spectra, (n, channel), which are not held any more."""
        self._share = min(self._share, self._n / max(sum(self._of), 1))
        self._thin()
        if (length := len(self._spectra)) > self._n:
            self._spectra.keep(np.sort(rng.permutation(length)[: self._n]))
        return self._spectra.taken()


def _draw_pairs(
    block: np.ndarray, good: np.ndarray, n: int, rng: np.random.Generator, context: int, *, third: bool
) -> np.ndarray:
    far = max(1, context)
    together = good[:, far:] & good[:, :-far] & (good[:, 1 : good.shape[1] - far + 1] if context else True)
    rows, columns = np.nonzero(together)
    chosen = np.sort(rng.permutation(len(rows))[:n])
    rows, columns = rows[chosen], columns[chosen]
    return np.stack([block[rows, columns + i] for i in ((0, 1, far) if context and third else (0, 1))], axis=1)


def _check_memory(cube: xr.Dataset, memory: int | None) -> None:
    height, width, channels = cube["spectra"].shape
    beside = cube["variance"].dtype.itemsize if "variance" in cube else 0
    cell = min(height, CELL) * min(width, CELL) * channels * max(cube["spectra"].dtype.itemsize, beside)
    if memory is not None and 3 * cell > memory:
        raise MemoryBudgetError(
            f"A tile of 64 x 64 pixels and {channels} channels takes {cell / 2**20:.1f} MiB, and three of them must fit "
            f"into the memory of {memory / 2**20:.1f} MiB. Try a larger memory, crop or rebin."
        )
