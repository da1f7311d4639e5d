"""How far two maps of labels of one image agree, neither of which is the truth. Plain functions of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import entr

from spaxel.errors import CubeError
from spaxel.metrics.labels import adjusted_rand
from spaxel.metrics.pairs import Pairs
from spaxel.results.walk import walk

EXACT = 200_000  # pixels up to which chance is summed exactly; above, its series in 1 / n is as good to 1e-4


class Agreement(NamedTuple):
    """How far labels a and b of one image agree, where both have a label.

    table    : (a, b) pixels that have both labels         n_pixels : all of them
    ari, ami : adjusted Rand index, adjusted mutual information: 1 = the same parts, 0 = as by chance
    matching : pairs (a, b), one to one, so that most pixels agree, largest pair first
    iou      : of each pair, intersection over union       agreed : share of the pixels that lie in a pair
    finer    : share of the pixels that stay together if each component of b is given to one of a; 1 = b divides a
    coarser  : the same of a in b                          only_a, only_b : pixels with a label in one of them
    """

    table: np.ndarray
    n_pixels: int
    ari: float
    ami: float
    matching: list[tuple[int, int]]
    iou: list[float]
    agreed: float
    finer: float
    coarser: float
    only_a: int
    only_b: int


def agreement(a: Any, b: Any, sizes: tuple[int, int] = (0, 0)) -> Agreement:
    """How far two label images agree. a, b : (y, x) int, -1 = none; sizes : numbers of components, at least those that occur

    Maps on the disk are read piece by piece.
    Hubert and Arabie 1985 (ARI); Vinh, Epps and Bailey 2010, jmlr.org/papers/v11/vinh10a.html (AMI); Kuhn 1955 (matching).
    Raises CubeError for different shapes, or where no pixel has both.

    >>> import numpy as np
    >>> found = agreement(np.array([[0, 0, 1, 1]]), np.array([[1, 1, 0, 2]]))
    >>> found.matching, found.agreed, found.finer
    ([(0, 1), (1, 0)], 0.75, 1.0)
    """
    if np.shape(a) != np.shape(b):
        raise CubeError(f"The label images have shapes {np.shape(a)} and {np.shape(b)}. Try two results of one image.")
    table, only_a, only_b = _counted(a, b, sizes)
    n = int(table.sum())
    if not n:
        raise CubeError("No pixel has a label in both, so there is nothing to compare.")
    matching = [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(-table), strict=True) if table[i, j]]
    matching.sort(key=lambda pair: -table[pair])
    union = [table[i].sum() + table[:, j].sum() - table[i, j] for i, j in matching]
    return Agreement(
        table, n, adjusted_rand(table), adjusted_information(table), matching,
        [float(table[pair] / whole) for pair, whole in zip(matching, union, strict=True)],
        float(sum(table[pair] for pair in matching) / n), float(table.max(0).sum() / n), float(table.max(1).sum() / n),
        only_a, only_b,
    )  # fmt: skip


def _counted(a: Any, b: Any, sizes: tuple[int, int]) -> tuple[np.ndarray, int, int]:
    """Pixels that have both labels, (a, b) int64, and those with a label in a or b alone."""
    pairs, rows, columns, only_a, only_b = Pairs(), *sizes, 0, 0
    for _, _, (one, other) in walk(a, b, scratch=48):
        both = (one >= 0) & (other >= 0)
        pairs.add(one[both], other[both])
        rows, columns = max(rows, int(one.max()) + 1), max(columns, int(other.max()) + 1)
        only_a, only_b = only_a + int((one >= 0).sum() - both.sum()), only_b + int((other >= 0).sum() - both.sum())
    first, second, counts = pairs.table()
    table = np.zeros((rows, columns), np.int64)
    table[np.ix_(first, second)] = counts
    return table, only_a, only_b


def adjusted_information(table: np.ndarray) -> float:
    """Adjusted mutual information of a contingency table: 1 = the same parts, 0 = as by chance.

    (I - E) / (mean(H, H') - E), E what chance gives: Vinh, Epps and Bailey 2010. For many pixels E is (r - 1)(c - 1) / 2 n.
    1 where both sides are one part.
    """
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    n, (rows, columns) = int(table.sum()), table.shape
    if rows == columns == 1:
        return 1.0
    a, b, joint = (float(entr(part / n).sum()) for part in (table.sum(1), table.sum(0), table))
    from sklearn.metrics.cluster import expected_mutual_information

    chance = float(expected_mutual_information(table, n)) if n <= EXACT else (rows - 1) * (columns - 1) / (2 * n)
    room = (a + b) / 2 - chance
    return float((a + b - joint - chance) / room) if abs(room) > 1e-12 else 1.0


def differs(a: np.ndarray, b: np.ndarray, found: Agreement) -> np.ndarray:
    """Where two label images do not agree after matching, (y, x) bool; where one has no label they do not differ."""
    partner = np.full(len(found.table) + 1, -2)
    for i, j in found.matching:
        partner[i] = j
    return (a >= 0) & (b >= 0) & (partner[a] != b)


def agreement_sentence(found: Agreement, names: tuple[list[str], list[str]], called: tuple[str, str]) -> str:
    """What the numbers say, for people who do not know them. names : of the components; called : of the two runs."""
    how = [(0.97, "nearly everywhere"), (0.85, "on most of the image"), (0.6, "on much of the image")]
    words = next((text for least, text in how if found.agreed >= least), "hardly")
    one, other = called
    said = f"{one} and {other} agree {words}: on {found.agreed:.0%} of the pixels, once their components are matched"
    said += f" (adjusted Rand index {found.ari:.2f})."
    rows, columns = ((found.table.sum(axis) > 0).sum() for axis in (1, 0))
    if rows != columns and max(found.finer, found.coarser) >= 0.95:
        fine, coarse = (other, one) if columns > rows else (one, other)
        inside = found.finer if columns > rows else found.coarser
        if inside >= 0.95:
            said += (
                f" {fine} is the finer one: its components lie inside those of {coarse} ({inside:.0%} of the pixels)."
            )
    rest = found.table.copy()
    for pair in found.matching:
        rest[pair] = 0
    i, j = np.unravel_index(int(rest.argmax()), rest.shape)
    if (share := rest[i, j] / found.n_pixels) >= 0.005:
        said += (
            f" Most that differs, {share:.1%} of the pixels, is {names[0][i]} in {one} and {names[1][j]} in {other}."
        )
    return said
