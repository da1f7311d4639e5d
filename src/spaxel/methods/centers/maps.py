"""A fitted model of centres over a cube, in bounded memory: labels, confidence, colours, sums. Shared by methods.

A block of spectra always has the same number of rows, so that the answer is the same bit by bit whatever the tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import xarray as xr

from spaxel.cube.exact import Grid, group_sums
from spaxel.cube.mapping import Arrays, map_tiles
from spaxel.cube.picture import Recipe, pictures
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.assign import blank_maps, few_maps, nearest, with_confidence
from spaxel.methods.centers.at_levels import asked_of
from spaxel.methods.centers.confidence import nearest_of_each
from spaxel.methods.centers.familiar import Familiar, directions, unlike
from spaxel.methods.centers.sure import Sure, sure_of
from spaxel.methods.state import unpack
from spaxel.preprocess.scaling import Products, Rows

WHOLE_BYTES = 2  # of whole numbers whose squares are summed as they are: exact below 2^53


class Model(Protocol):
    """What a method brings to the maps. It can be pickled, and what it says of a row comes from that row alone."""

    @property
    def channels(self) -> int:
        """Length of a spectrum."""

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """Name and centre of the scaling that each spectrum goes through, to tell how far it lies from all that was fitted."""

    def scores(self, block: np.ndarray, own: Rows | None = None) -> np.ndarray:
        """Scores (n, d) float64 of a block as `reading` asks for it: spectra, and what is read of their surroundings.

        own : the spectra alone, with what was asked of them already
        """

    def reading(self) -> dict[str, Any]:
        """What map_tiles is to read beside the spectra: `context` or `look`, or nothing."""


class Block(NamedTuple):
    """A block on its way: spectra (512, channel), scores (512, d), distances to centres (512, m); the first n are data."""

    spectra: np.ndarray
    scores: np.ndarray
    far: np.ndarray
    n: int


class More(Protocol):
    """Further maps and sums of a method."""

    def blank(self) -> dict[str, Any]:
        """What pixels without data have in these maps."""

    def __call__(self, block: Block, pixels: Arrays, sums: Arrays) -> tuple[Arrays, Arrays]:
        """These maps and sums; those that all models have are known."""


class How(NamedTuple):
    """How a block is mapped. lean : labels and confidence only

    whole : values are whole numbers of 16 bits at most      counts : they have no sign
    products : that all of this needs of spectra
    """

    lean: bool
    whole: bool
    counts: bool
    products: Products | None


class Centers(NamedTuple):
    """centers : (m, d)      tree : (m - 1, 4)      levels : (l,) that get a confidence      component : (m,) at the level.

    level_component : (l, m) at each level, where levels need not be a cut of the tree
    """

    centers: np.ndarray
    tree: np.ndarray
    levels: np.ndarray
    component: np.ndarray
    level_component: np.ndarray | None = None


class Known(NamedTuple):
    """What all models of centres keep for their maps. sure : None, then confidence is the margin."""

    groups: Centers
    grid: Grid
    recipe: Recipe
    familiar: Familiar
    sure: Sure | None = None


def known_of(state: Arrays) -> Known:
    """From the arrays of a fitted model."""
    centers, grid = unpack(Centers, state, ""), unpack(Grid, state, "grid_")
    recipe, familiar = unpack(Recipe, state, "picture_"), unpack(Familiar, state, "familiar_")
    return Known(centers, grid, recipe, familiar, sure_of(state))


def map_centers(
    model: Model, known: Known, cube: xr.Dataset, memory: int | None,
    more: Sequence[More] = (), *, lean: bool = False,
) -> tuple[Arrays, Arrays]:  # fmt: skip
    """Maps and sums of a model over a cube: micro, confidence, picture, level_confidence, unlike; size, sum, square.

    more : what a method maps besides      lean : micro and confidence only, with the same bits
    """
    groups = known.groups
    fill = few_maps() if lean else blank_maps(len(groups.levels), known.recipe)
    for one in more:
        fill |= one.blank()
    levels, table = (groups.levels[:0], None) if lean else (groups.levels, groups.level_component)
    asked = asked_of(groups.component, groups.tree, levels, table, known.sure)
    dtype = cube["spectra"].dtype
    products = None if lean else _products(model, known)
    how = How(lean, dtype.kind in "bui" and dtype.itemsize <= WHOLE_BYTES, dtype.kind in "bu", products)
    function = partial(_block, model=model, known=known, more=tuple(more), how=how)
    after = partial(with_confidence, asked=asked, lean=lean)
    return map_tiles(function, cube, fill, memory=memory, after=after, **model.reading())


def _products(model: Model, known: Known) -> Products:
    """What spectra are multiplied by for pictures, and how unlike they are to what was fitted. Scores are made apart, as in a
    fit: where products are small, some kernels round them otherwise.
    """
    return Products.of({"picture": known.recipe.weights, "unlike": directions(model.alone[1], known.familiar)})


def map_distances(
    model: Model, groups: Centers, cube: xr.Dataset, memory: int | None, dtype: type[np.floating]
) -> np.ndarray:
    """Distance of each pixel to each component, (y, x, component): that to its nearest centre. nan without data."""
    fill = {"distance": np.full(groups.component.max() + 1, np.nan, dtype)}
    function = partial(_distances, model=model, groups=groups)
    return map_tiles(function, cube, fill, memory=memory, **model.reading())[0]["distance"]


def _distances(block: np.ndarray, n: int, model: Model, groups: Centers) -> tuple[Arrays, Arrays]:
    scores = model.scores(block)
    return {"distance": nearest_of_each(distances(scores, groups.centers), groups.component)}, {}


def _block(
    block: np.ndarray, n: int, model: Model, known: Known, more: tuple[More, ...], how: How
) -> tuple[Arrays, Arrays]:
    groups, block = known.groups, block.astype(np.float64, copy=False)
    rows = Rows(spectra := block[:, : model.channels], counts=how.counts, products=how.products)
    scores = model.scores(block, rows)
    far = distances(scores, groups.centers)
    pixels = nearest(far)
    if not how.lean:
        pixels |= pictures(spectra, known.recipe, rows.times("picture", known.recipe.weights))
        pixels["unlike"] = unlike(rows, model.alone, scores, far, known.familiar, pixels["micro"])
    sums = group_sums(spectra[:n], pixels["micro"][:n], len(groups.centers), known.grid, whole=how.whole)
    seen = Block(spectra, scores, far, n)
    for one in more:
        maps, added = one(seen, pixels, sums)
        pixels, sums = pixels | maps, sums | added
    return pixels, sums
