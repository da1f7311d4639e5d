"""The tree of components as a picture: one line down for each component, joined where the tree joins them; plain arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.results.parts import Forest

MOST = 24  # components at the lowest level that is drawn


class Dendrogram(NamedTuple):
    """xs, ys : of each node its line, up and over to its parent      color : of each node; grey where it holds several
    x, y      : of each node that splits, where      node : its number      lowest : the level at the bottom
    """

    xs: list[list[float]]
    ys: list[list[float]]
    color: list[str]
    x: list[float]
    y: list[float]
    node: list[int]
    lowest: int


def dendrogram(forest: Forest, component: np.ndarray, colors: list[str], level: int, ink: str) -> Dendrogram:
    """The upper part of a tree, down to a level well below the one that is shown.

    component : (m,) of each micro-cluster, by which lines are coloured      ink : of what holds several components
    A node splits between two levels: where a horizontal line at level K crosses, it meets K components.
    """
    m = len(forest.weight)
    lowest = min(m, max(MOST, level + 4))
    place = _places(forest, lowest)
    xs, ys, color, x, y, node = [], [], [], [], [], []
    for row in range(m - 2, m - 1 - lowest, -1):  # from the top: the merges that levels up to the lowest undo
        parent, height = m + row, m - row - 0.5
        x.append(place[parent])
        y.append(height)
        node.append(parent)
        for child in (int(n) for n in forest.tree[row, :2]):
            foot = m - (child - m) - 0.5 if child >= m and child - m > m - 1 - lowest else lowest + 0.5
            xs.append([place[child], place[child], place[parent]])
            ys.append([foot, height, height])
            owners = np.unique(component[forest.held[child]])
            color.append(colors[owners[0]] if len(owners) == 1 else ink)
    return Dendrogram(xs, ys, color, x, y, node, lowest)


def members(forest: Forest, component: np.ndarray, node: int) -> list[int]:
    """The components that a node of the tree holds parts of, in order."""
    return [int(k) for k in np.unique(component[forest.held[node]])]


def _places(forest: Forest, lowest: int) -> dict[int, float]:
    """Where each node stands from left to right: components of the lowest level side by side, a parent above the middle."""
    m = len(forest.weight)
    first, place, order = 2 * m - 1 - (lowest - 1), {}, []
    stack = [2 * m - 2]
    while stack:
        node = stack.pop()
        if node >= first:
            stack += [int(n) for n in forest.tree[node - m, 1::-1]]
        else:
            order.append(node)
    place = {node: float(i) for i, node in enumerate(order)}
    for node in range(first, 2 * m - 1):
        left, right = (int(n) for n in forest.tree[node - m, :2])
        place[node] = (place[left] + place[right]) / 2
    return place
