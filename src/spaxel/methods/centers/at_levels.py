"""Confidence at several levels in one pass: spectra of one part together, which have the same parts in other components."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.methods.centers.confidence import ratio
from spaxel.methods.centers.sure import Sure, at_most, certain, terms
from spaxel.results.trees import cut_tree

ROWS = 1024  # spectra of a part that are asked together: their distances stay in the cache of a core


class Others(NamedTuple):
    """What lies in other components than one part, at several levels.

    steps : of each set of parts, from few to many: an earlier set that it holds (-1: none), and the parts that it has besides
    which : (l,) the set of each level
    """

    steps: list[tuple[int, np.ndarray]]
    which: np.ndarray


class Asked(NamedTuple):
    """Groupings of the parts that get a confidence, as lookups: the first is that of the model, the others are levels.

    others  : of each part      most : (1 + l,) that confidence can be
    against : (m, 1 + l) odds against each part at each grouping      weights : see `sure`; None: confidence is the margin
    held    : (m,) what the doubt of the number leaves of the confidence of each part
    """

    others: list[Others]
    most: np.ndarray
    weights: np.ndarray | None = None
    against: np.ndarray | None = None
    held: np.ndarray | None = None


def asked_of(
    component: np.ndarray, tree: np.ndarray, levels: np.ndarray, table: np.ndarray | None, sure: Sure | None
) -> Asked:
    """What a model asks.

    component : (m,) of it   tree : (m - 1, 4)   levels : (l,)   table : (l, m) components there; None: cuts of the tree
    """
    cuts = [cut_tree(tree, int(level)) for level in levels] if table is None else list(table)
    others, one = others_of(np.stack([component, *cuts])), component.max() == 0
    if sure is None:
        return Asked(others, np.ones(1 + len(levels)))
    alone = float(sure.alone[0])
    own = np.zeros(len(component)) if one else sure.against(component)
    against = np.column_stack([own, sure.against_at(tree, levels, table)])
    return Asked(others, np.append(alone if one else 1.0, at_most(levels, alone)), sure.weights, against, sure.held)


def others_of(component: np.ndarray) -> list[Others]:
    """What the parts of several groupings (l, m) have in other components; the groupings need not be nested."""
    return [_others(component != own[:, None]) for own in component.T]


def _others(apart: np.ndarray) -> Others:
    """apart : (l, m) which parts lie in other components."""
    packed = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(apart, axis=1, bitorder="little")]
    sets = sorted(set(packed), key=lambda held: (held.bit_count(), held))
    place = {held: i for i, held in enumerate(sets)}
    row_of = {held: row for row, held in enumerate(packed)}
    steps: list[tuple[int, np.ndarray]] = []
    for i, held in enumerate(sets):
        before = next((k for k in reversed(range(i)) if sets[k] and not sets[k] & ~held), -1)
        mine = apart[row_of[held]]
        steps.append((before, np.flatnonzero(mine & ~apart[row_of[sets[before]]] if before >= 0 else mine)))
    return Others(steps, np.array([place[held] for held in packed], int))


def margins_at(far: np.ndarray, first: np.ndarray, others: Others) -> np.ndarray:
    """Margins of spectra of one part, (set, n): 1 - d1 / d2, 1 where there is no other component.

    far : (m, n) distances to all centres      first : (n,) to the own one
    """
    least = np.full((len(others.steps), len(first)), np.inf)
    for row, (before, besides) in zip(least, others.steps, strict=True):
        if len(besides):
            np.minimum.reduce(far[besides], axis=0, out=row)
        if before >= 0:
            np.minimum(row, least[before], out=row)
    return ratio(first, least)


def confidence_at(far: np.ndarray, micro: np.ndarray, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    """Confidence of spectra at the components of the model, (n,) float32, and 255 times that at the levels, (n, l) uint8.

    far : (n, m) distances      micro : (n,) int16, the nearest part
    Each is what `sure.confidence` says of `confidence.margins` at that grouping, bit by bit, however the spectra come.
    """
    order = np.argsort(micro, kind="stable")
    starts = np.searchsorted(micro[order], np.arange(len(asked.others) + 1))
    own, levels = np.empty(len(micro), np.float32), np.empty((len(micro), len(asked.most) - 1), np.uint8)
    for part, others in enumerate(asked.others):
        for start in range(starts[part], starts[part + 1], ROWS):
            rows = order[start : min(start + ROWS, starts[part + 1])]
            here = np.ascontiguousarray(far[rows].T)
            sure = _certainty(margins_at(here, here[part], others), part, others, asked)
            own[rows] = sure[0]
            sure *= 255
            levels[rows] = np.rint(sure[1:], out=sure[1:]).astype(np.uint8).T
    return own, levels


def _certainty(margin: np.ndarray, part: int, others: Others, asked: Asked) -> np.ndarray:
    """Confidence of spectra of one part at each grouping, (1 + l, n). margin : (set, n)"""
    if asked.weights is None or asked.against is None:
        return margin[others.which]
    power, bound = (each[others.which] for each in terms(margin, asked.weights))
    sure = certain(power, bound, asked.against[part][:, None])
    if asked.held is not None:
        sure *= asked.held[part]
    return np.minimum(sure, asked.most[:, None], out=sure)
