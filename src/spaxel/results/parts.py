"""Components as sets of micro-clusters: where the tree splits them, and which colour is theirs. Plain arrays, no pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.results.convention import canonical_order
from spaxel.results.grouping import Which, place_of
from spaxel.results.trees import cut_tree, leaves_of

NONE: Mapping[int, np.ndarray] = MappingProxyType({})
SOME = 0.02  # of a component, less of which is not spoken of


class Components(NamedTuple):
    """What components are made of, and what people said of them.

    level : at which the tree was cut      component : (m,) the component of each micro-cluster
    color, names, paint, background : (k,) place in the palette; "" for none; 0xRRGGBB or -1; grey, no part of the shares
    """

    level: int
    component: np.ndarray
    color: np.ndarray
    names: list[str]
    paint: np.ndarray
    background: np.ndarray


class Forest(NamedTuple):
    """A merge tree with the weight of its micro-clusters.

    held : (2 m - 1, m) bool, what each node holds      own : {level: (m,)} of levels that need not be a cut of the tree
    """

    tree: np.ndarray
    weight: np.ndarray
    held: np.ndarray
    own: Mapping[int, np.ndarray] = NONE

    @classmethod
    def of(cls, tree: np.ndarray, weight: np.ndarray, own: Mapping[int, np.ndarray] = NONE) -> Forest:
        """The forest of a tree (m - 1, 4) and weights (m,)."""
        return cls(tree, np.asarray(weight, float), leaves_of(tree), own)


def own_levels(result: xr.Dataset) -> dict[int, np.ndarray]:
    """{level: component of each micro-cluster} of a result that keeps these; of others every level is a cut of the tree."""
    if "level_component" not in result:
        return {}
    levels = (int(level) for level in result["level"].values)
    return dict(zip(levels, result["level_component"].values.astype(int), strict=True))


def grouping_at(tree: np.ndarray, own: Mapping[int, np.ndarray], level: int) -> np.ndarray:
    """Which component each micro-cluster belongs to at a level, (m,) int, any order."""
    return own[level] if level in own else cut_tree(tree, level)


def draws_from(before: np.ndarray, after: np.ndarray, weight: np.ndarray) -> dict[int, list[int]]:
    """{component: the earlier ones that it draws from}, of those that are neither whole earlier ones nor a part of one.

    before, after : (m,) the component of each micro-cluster      weight : (m,); what is less than SOME of either is passed over
    """
    table = np.zeros((after.max() + 1, before.max() + 1))
    np.add.at(table, (after, before), weight)
    here = (table > SOME * table.sum(1, keepdims=True)) & (table > 0)
    cut = table < (1 - SOME) * table.sum(0)
    found = {k: np.flatnonzero(row) for k, row in enumerate(here)}
    return {k: row.tolist() for k, row in found.items() if len(row) > 1 and cut[k, row].any()}


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two groupings of the same parts are the same but for the numbers of the groups. one, other : (m,)"""
    pairs = len(np.unique(np.stack([one, other]), axis=1).T)
    return pairs == len(np.unique(one)) == len(np.unique(other))


def halves(forest: Forest, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two parts that the tree joins last among these micro-clusters, the heavier one first. members : (m,) bool

    Of a component of the tree these are its children; of components merged by hand, what the tree keeps apart longest.
    Both are empty for fewer than two micro-clusters.
    """
    m = len(forest.weight)
    if members.sum() < 2:
        return np.zeros(m, bool), np.zeros(m, bool)
    whole = int((forest.held[m:] | ~members).all(1).argmax())
    left, right = (forest.held[int(node)] & members for node in forest.tree[whole, :2])
    return (right, left) if forest.weight[right].sum() > forest.weight[left].sum() else (left, right)


def node_colors(forest: Forest) -> np.ndarray:
    """Place in the palette of each node of a tree, as `component_table` deals them at the level where it is a component.

    Going down, the larger part of what splits keeps the colour and the smaller gets the next one. (2 m - 1,) int
    """
    m = len(forest.weight)
    size, colors = forest.held @ forest.weight, np.zeros(2 * m - 1, int)
    for row in range(m - 2, -1, -1):
        larger, smaller = sorted((int(node) for node in forest.tree[row, :2]), key=lambda node: (-size[node], node))
        colors[larger], colors[smaller] = colors[m + row], m - 1 - row
    return colors


def split_parts(forest: Forest, now: Components, split: Sequence[Which]) -> tuple[Components, list[str], list[str]]:
    """Components with some of them split in two, one after the other: 3 into 3a, the larger one, and 3b; 3b into 3ba and 3bb.

    returns : the components, not in canonical order; how each is called, its number or as a part; what was done, sentences
    The larger part keeps name and colour, both stay background. Raises ParameterError for what is one finest part.
    """
    called, words = [str(i) for i in range(len(now.color))], []
    dealt = node_colors(forest) if len(split) else np.zeros(0, int)
    for which in split:
        at = place_of(which, now.names, called)
        _, smaller = halves(forest, now.component == at)
        if not smaller.any():
            raise ParameterError(
                f"Component {which} is one of the finest parts and cannot be split. Try another component, or segment anew."
            )
        call = called[at]
        words.append(f"Split by hand: {call} {now.names[at]}".rstrip() + f" into {call}a and {call}b.")
        called[at : at + 1] = [f"{call}a", f"{call}b"]
        component = now.component + (now.component > at)
        component[smaller] = at + 1
        now = Components(
            now.level,
            component,
            np.insert(now.color, at + 1, _free(forest, smaller, dealt, now.color)),
            [*now.names[: at + 1], "", *now.names[at + 1 :]],
            np.insert(now.paint, at + 1, -1),
            np.insert(now.background, at + 1, now.background[at]),
        )
    return now, called, words


def _free(forest: Forest, members: np.ndarray, dealt: np.ndarray, taken: np.ndarray) -> int:
    """Place in the palette of a part: that of the heaviest node in it; the first free one where that is taken."""
    inside = ~(forest.held & ~members).any(1)
    size = np.where(inside, forest.held @ forest.weight, -1.0)
    found = int(dealt[len(size) - 1 - int(size[::-1].argmax())])
    return found if found not in taken else int(np.setdiff1d(np.arange(len(taken) + 1), taken)[0])


def join_parts(
    now: Components, into: np.ndarray, names: Sequence[str], weight: np.ndarray
) -> tuple[Components, np.ndarray]:
    """Components merged, largest first. into : (k,) the group of each, names : (g,)   returns also the new number of each group

    A merge keeps the colours of its largest part, and is background where all its parts are.
    """
    size = np.bincount(now.component, weights=weight, minlength=len(into))
    order = canonical_order(np.bincount(into, weights=size))
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    members = [np.flatnonzero(into == g) for g in order]
    first = [m[size[m].argmax()] for m in members]
    grey = np.array([now.background[m].all() for m in members])
    joined = Components(
        now.level, place[into][now.component], now.color[first], [names[g] for g in order], now.paint[first], grey
    )
    return joined, place
