"""Find small targets: the map of rarity of an image and its candidates, beside the result of any method."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from spaxel.cube import as_cube
from spaxel.cube.stored import blocks, by_block
from spaxel.errors import CubeError
from spaxel.methods.rare.background import fit_background
from spaxel.methods.rare.candidates import EXPECTED, Pixels, rare_pixels, spectra_beside
from spaxel.methods.rare.detectors import score_map
from spaxel.methods.rare.left import left_over
from spaxel.methods.rare.tails import Tail, fit_tail, histogram
from spaxel.results.rare import DETECTORS


def find_rare(cube: xr.Dataset, result: xr.Dataset, *, random_state: int = 0, memory: int | None = None) -> xr.Dataset:
    """The result with the map `rarity` and candidates for small targets, ranked: pixels that the scene hardly makes by chance.

    cube   : that the result is of, after the steps of the run      result : of any method, see spaxel.results.convention
    memory : bytes for what is read; never changes the answer
    Three detectors look at each pixel: against its surroundings, against the scene, and against all mixtures in it. The chance
    that the scene reaches a score is measured on the image itself, whose farthest pixels are left out of it, and continued
    by a law for tails. `rare_expected` says how many candidates this rare or rarer the scene alone would make; pixels begin
    a candidate where that is at most 10, and one of at most 0.1 is clear. Of an unmixed image, `rare_left` says which part of
    the spectrum of a candidate no mixture of the components explains.
    The map of candidates, `rare_labels`, is held whole while they are found: 4 bytes a pixel.
    Fails for targets larger than about 5 pixels across, or that make up more than 1 % of the image.
    Raises CubeError if cube and result differ in size, or for fewer than 50 spectra.

    >>> import numpy as np, spaxel
    >>> spectra = np.random.default_rng(0).normal(10, 1, (40, 40, 30))
    >>> spectra[20, 11] += np.linspace(0, 12, 30)
    >>> cube = spaxel.make_cube(spectra)
    >>> found = spaxel.find_rare(cube, spaxel.KMeans(2).fit_predict(cube))
    >>> found["rare_position"].values[0].tolist(), found["rare_size"].values[0].item()
    ([20, 11], 1)
    """
    cube = as_cube(cube)
    if cube["spectra"].shape[:2] != result["labels"].shape:
        raise CubeError(
            f"The cube has {cube.sizes['y']} x {cube.sizes['x']} pixels, the result {result.sizes['y']} x "
            f"{result.sizes['x']}. Try the cube that the result is of."
        )
    with threadpool_limits(1):
        scores = score_map(fit_background(cube, random_state, memory), cube, memory)
    tails, n = _tails(scores)
    chance = by_block(partial(_least, tails=tails), scores, dtype=np.float32)
    detector = by_block(partial(_which, tails=tails), scores, dtype=np.int8)
    pixels, more = rare_pixels(chance, detector, n)
    return _with_candidates(cube, result, chance, pixels, n, more)


def _tails(scores: np.ndarray) -> tuple[list[Tail], int]:
    """The tail of each score, and how many pixels hold data."""
    counts, n = [histogram(np.zeros(0))] * len(DETECTORS), 0
    for _, (part,) in blocks(scores):
        counts = [one + histogram(part[..., i]) for i, one in enumerate(counts)]
        n += int(np.isfinite(part[..., 1]).sum())
    return [fit_tail(one) for one in counts], n


def _chance(scores: np.ndarray, tails: list[Tail]) -> tuple[np.ndarray, np.ndarray]:
    """Chance that the scene makes each pixel as rare for any detector (float32, nan without data), and which it is."""
    each = np.stack([tail.chance(scores[..., i]) for i, tail in enumerate(tails)])
    each[np.isnan(np.moveaxis(scores, -1, 0))] = np.inf
    looked = np.maximum(np.isfinite(scores).sum(-1), 1)
    least = each.min(0)
    chance = np.where(np.isfinite(least), -np.expm1(looked * np.log1p(-np.minimum(least, 1 - 1e-12))), np.nan)
    return chance.astype(np.float32), each.argmin(0).astype(np.int8)


def _least(scores: np.ndarray, tails: list[Tail]) -> np.ndarray:
    return _chance(scores, tails)[0]


def _which(scores: np.ndarray, tails: list[Tail]) -> np.ndarray:
    return _chance(scores, tails)[1]


def _rarity(chance: np.ndarray) -> np.ndarray:
    return -np.log10(chance)


def _with_candidates(
    cube: xr.Dataset, result: xr.Dataset, chance: np.ndarray, pixels: Pixels, n: int, more: int
) -> xr.Dataset:
    count = int(pixels.candidate.max(initial=-1)) + 1
    channels = cube.sizes["channel"]
    first = [int(np.flatnonzero(pixels.candidate == i)[0]) for i in range(count)]
    shown = [spectra_beside(cube, pixels, i) for i in range(count)]
    spectra, spread, beside = np.array(shown).reshape(count, 3, channels).transpose(1, 0, 2)
    labels = np.zeros(result["labels"].shape, np.int32)
    labels[pixels.y, pixels.x] = pixels.candidate + 1
    rarity = by_block(_rarity, chance, dtype=np.float32)
    arrays = {
        "rarity": (("y", "x"), rarity),
        "rare_labels": (("y", "x"), labels),
        "rare_position": (("rare", "yx"), np.stack([pixels.y[first], pixels.x[first]], 1).astype(np.int64)),
        "rare_size": ("rare", np.bincount(pixels.candidate, minlength=count).astype(np.int64)),
        "rare_expected": ("rare", n * pixels.chance[first]),
        "rare_detector": ("rare", pixels.detector[first].astype(np.int64)),
        "rare_spectra": (("rare", "channel"), spectra),
        "rare_spread": (("rare", "channel"), spread),
        "rare_around": (("rare", "channel"), beside),
    } | _left(result, spectra)
    found = result.drop_dims("rare", errors="ignore").assign(arrays)
    found["rarity"].attrs = {"sentence": _sentence(count, n, more, table=cube.sizes["x"] == 1)}
    return found


def _left(result: xr.Dataset, spectra: np.ndarray) -> dict[str, Any]:
    """What mixtures of the components of an unmixed image leave of the spectra of candidates; nothing for another result."""
    if "abundances" not in result or result.sizes.get("channel") != spectra.shape[1]:
        return {}
    components = result["component_spectra"].values.astype(np.float64)
    try:
        left = left_over(spectra, components[components.any(1)])
    except CubeError:  # components that are mixtures of each other
        return {}
    return {"rare_left": ("rare", left)}


def _sentence(count: int, n: int, more: int, *, table: bool) -> str:
    limit = f"of which the scene alone makes at most {EXPECTED:g} among {n:,} pixels"
    said = f"{count} candidates for small targets, {limit}." if count else f"No candidate for a small target, {limit}."
    said += f" {more} more are not listed." if more else ""
    return said + (" Spectra of a table have no surroundings, which are not looked at." if table else "")
