"""The merge tree over micro parts, and cutting it at any level: navigable granularity.

A tree is a table (n_micro - 1, 4) like scipy.cluster.hierarchy.linkage: left, right, height, number of micro parts. Rows are
merges in order, so that level K is what stands after the first n_micro - K merges, and levels are nested.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.result import canonical_order, check_result, relabel

Linkage = Literal["centroid", "connectivity"]


def merge_tree(distances: np.ndarray, sizes: np.ndarray, update) -> np.ndarray:
    """Agglomerate micro parts pair by pair, nearest first.

    distances : (m, m) symmetric, the diagonal is ignored      sizes : (m,)
    update    : (i, j) -> (m,) distances of the part that i and j became (it takes the place of i) to all places
    returns   : (m - 1, 4) tree
    """
    m = len(sizes)
    distances = distances.astype(np.float64).copy()
    np.fill_diagonal(distances, np.inf)
    name, parts = np.arange(m), np.ones(m)
    tree = np.zeros((m - 1, 4))
    for step in range(m - 1):
        i, j = sorted(np.unravel_index(np.argmin(distances), distances.shape))
        tree[step] = (name[i], name[j], distances[i, j], parts[i] + parts[j])
        name[i], parts[i] = m + step, parts[i] + parts[j]
        dead = ~np.isfinite(distances).any(1)
        row = update(i, j)
        row[dead] = np.inf
        distances[i, :] = distances[:, i] = row
        distances[j, :] = distances[:, j] = np.inf
        distances[i, i] = np.inf
    tree[:, 2] = np.maximum.accumulate(tree[:, 2])
    return tree


def centroid_tree(centers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Merge the two parts whose centres are nearest; a merged part lies at the weighted mean.

    centers : (m, d)      sizes : (m,)      height : distance of the centres, times (2 n_a n_b / (n_a + n_b) / n)^(1/4),
    between plain centroid linkage (which keeps every outlier) and Ward's (which swallows rare parts first).
    """
    centers, sizes = centers.astype(np.float64).copy(), sizes.astype(np.float64).copy()
    total = sizes.sum()

    def distance(i: int) -> np.ndarray:
        weight = 2 * sizes[i] * sizes / (sizes[i] + sizes) / total
        return np.linalg.norm(centers - centers[i], axis=1) * weight**0.25

    def update(i: int, j: int) -> np.ndarray:
        centers[i] = (sizes[i] * centers[i] + sizes[j] * centers[j]) / (sizes[i] + sizes[j])
        sizes[i] += sizes[j]
        return distance(i)

    return merge_tree(np.stack([distance(i) for i in range(len(sizes))]), sizes, update)


def tree_through(centers: np.ndarray, sizes: np.ndarray, component: np.ndarray) -> np.ndarray:
    """A centroid tree one level of which is a given grouping: first merges inside its components, then of components.

    centers : (m, d)      sizes : (m,)      component : (m,) int 0..k-1, none empty      returns : (m - 1, 4)
    """
    m, groups = len(sizes), [np.flatnonzero(component == k) for k in range(component.max() + 1)]
    inside = [(g, row) for g in groups for row in centroid_tree(centers[g], sizes[g])]
    above = centroid_tree(
        np.stack([np.average(centers[g], axis=0, weights=np.maximum(sizes[g], 1e-9)) for g in groups]),
        np.array([sizes[g].sum() for g in groups]),
    )
    tree, whole = np.zeros((m - 1, 4)), np.arange(m)  # whole: the node that a micro part belongs to so far
    parts = {id(g): [np.array([i]) for i in g] for g in groups}
    for step, (g, row) in enumerate(sorted(inside, key=lambda pair: pair[1][2])):
        members = parts[id(g)]
        left, right = (members[int(node)] for node in row[:2])
        tree[step] = (whole[left[0]], whole[right[0]], row[2], len(left) + len(right))
        members.append(np.concatenate([left, right]))
        whole[members[-1]] = m + step
    joined = list(groups)
    for step, row in enumerate(above, len(inside)):
        left, right = (joined[int(node)] for node in row[:2])
        tree[step] = (whole[left[0]], whole[right[0]], row[2], len(left) + len(right))
        joined.append(np.concatenate([left, right]))
        whole[joined[-1]] = m + step
    tree[:, 2] = np.maximum.accumulate(tree[:, 2])
    return tree


def connectivity_tree(links: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Merge the two parts that share most nearest-neighbour links, relative to what their sizes would let expect.

    links  : (m, m) counts of points of one part whose nearest neighbours lie in the other
    height : -log(links_ab / sqrt(n_a n_b)), shifted to start at 0
    """
    links = (links + links.T).astype(np.float64)
    np.fill_diagonal(links, 0)
    sizes = sizes.astype(np.float64).copy()

    def distance(i: int) -> np.ndarray:
        return -np.log((links[i] + 1e-3) / (sizes[i] * sizes))

    def update(i: int, j: int) -> np.ndarray:
        links[i] += links[j]
        links[:, i] = links[i]
        sizes[i] += sizes[j]
        links[i, i] = 0
        return distance(i)

    tree = merge_tree(np.stack([distance(i) for i in range(len(sizes))]), sizes, update)
    tree[:, 2] -= tree[0, 2] if len(tree) else 0.0
    return tree


def cut_tree(tree: np.ndarray, level: int) -> np.ndarray:
    """Which component each micro part belongs to when the tree has `level` components: (n_micro,) int, any order."""
    n_micro = len(tree) + 1
    owner = np.arange(n_micro)
    for step in range(n_micro - level):
        left, right = tree[step, :2]
        owner[(owner == left) | (owner == right)] = n_micro + step
    return np.unique(owner, return_inverse=True)[1]


def component_table(tree: np.ndarray, sizes: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Components at a level in canonical order, and their colours.

    sizes   : (n_micro,) pixels
    returns : component of each micro part (n_micro,), colour of each component (level,). Going down the tree, the larger
              part of what splits keeps its colour and the smaller gets the next one, so level K uses colours 0..K-1
    """
    colors = {0: 0}
    owner = cut_tree(tree, 1)
    for k in range(2, level + 1):
        finer = cut_tree(tree, k)
        colors_of = {}
        for parent in range(k - 1):
            children = np.unique(finer[owner == parent])
            larger = sorted(children, key=lambda c: -sizes[finer == c].sum())
            colors_of |= {larger[0]: colors[parent]} | ({larger[1]: k - 1} if len(larger) > 1 else {})
        owner, colors = finer, colors_of
    order = canonical_order(np.bincount(owner, weights=sizes, minlength=level))
    place = np.empty(level, int)
    place[order] = np.arange(level)
    return place[owner], np.array([colors[c] for c in order])


def cut(result: xr.Dataset, level: int) -> xr.Dataset:
    """The same result with `level` components, without fitting again. Levels are nested, colours are kept.

    returns : labels, component_spectra, component_spread, component_size, component_color and confidence at that level
    Raises ParameterError if the result keeps no tree or the level is not among those that it keeps.
    """
    check_result(result)
    if "merge_tree" not in result:
        raise ParameterError(
            "This result keeps no merge tree, so it cannot be cut. Try segment with --n-clusters auto."
        )
    tree, sizes = result["merge_tree"].values, result["micro_size"].values
    if not 1 <= level <= len(tree) + 1:
        raise ParameterError(f"level is {level}, expected 1 to {len(tree) + 1} (the micro parts of this result).")
    component, colors = component_table(tree, sizes, level)
    spectra, spread = merge_moments(result["micro_spectra"].values, result["micro_spread"].values, sizes, component)
    new = result.drop_dims("component").assign(
        labels=(("y", "x"), relabel(result["micro_labels"].values, component)),
        component_spectra=(("component", "channel"), spectra, result["component_spectra"].attrs),
        component_spread=(("component", "channel"), spread, result["component_spread"].attrs),
        component_size=("component", np.bincount(component, weights=sizes, minlength=level).astype(np.int64)),
        component_color=("component", colors),
        confidence=(("y", "x"), _confidence_at(result, level)),
    )
    sentence = result.attrs.get("sentence", "")
    return new.assign_attrs(n_components=level, sentence=f"Cut at level {level} by hand. {sentence}".strip())


def merge_moments(
    mean: np.ndarray, spread: np.ndarray, sizes: np.ndarray, component: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of components from those of their micro parts, (m, channel) -> (k, channel)."""
    share = np.zeros((component.max() + 1, len(sizes)))
    share[component, np.arange(len(sizes))] = sizes
    share /= np.maximum(share.sum(1, keepdims=True), 1)
    mean, spread = np.nan_to_num(mean), np.nan_to_num(spread)
    merged = share @ mean
    return merged, np.sqrt(np.maximum(share @ (spread**2 + mean**2) - merged**2, 0))


def _confidence_at(result: xr.Dataset, level: int) -> np.ndarray:
    """Confidence at a level; 1 for a single component, that of the nearest finer level that is kept elsewhere."""
    data = result["labels"].values >= 0
    if level == 1 or "level_confidence" not in result:
        return np.where(data, np.float32(1 if level == 1 else np.nan), np.float32(np.nan))
    levels = result["level"].values
    kept = levels[np.abs(levels - level).argmin()]
    values = result["level_confidence"].sel(level=kept).values.astype(np.float32) / 255
    return np.where(data, values, np.float32(np.nan))
