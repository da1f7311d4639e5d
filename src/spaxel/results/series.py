"""Several images of one model as a series: the share of each component in each, with its standard error, against time.

The error says how far a share would differ if other places of the same kind had been imaged: pixels side by side are alike, so
that it is taken from blocks of pixels, not from single ones (a ratio estimator over B blocks of about 1/64 of the image):

    p = Σ c_b / Σ t_b        var p = B / (B - 1) · Σ (c_b - p t_b)² / (Σ t_b)²        Cochran 1977, Sampling Techniques, 6.3

It does not say whether labels are right: that is `wrong`, from the confidence q of the n pixels with a label,

    wrong_c = Σ_(label i = c) (1 - q_i) / n

the share of the pixels that are labelled c and expected to be something else. Pixels of c that lie elsewhere are not in it.
Fails where what is alike is larger than a block: the error is then too small; and as far as confidence does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.results.convention import component_names, is_background, is_probability, shares
from spaxel.results.numbers import means_by_label
from spaxel.results.walk import walk

STEPS = 2.0**24  # of what a pixel gives to the share of a component
BLOCKS = 8  # along the longer side of an image, about 64 in all


class Point(NamedTuple):
    """One image of a series. share, error, wrong : (component,), nan of a background

    wrong : of the share, what is expected to have another component; nan where confidence is no probability
    """

    cube: str
    group: str
    time: float
    share: np.ndarray
    error: np.ndarray
    wrong: np.ndarray


class Times(NamedTuple):
    """When images were taken, as their names say. axis : what the numbers are; groups : what else the names say."""

    axis: str
    time: list[float]
    group: list[str]


def times_of(names: Sequence[str]) -> Times:
    """The time of each image from its name: the last number in which names differ ("leaf2 day 10": day 10 of leaf2).

    Where names hold no such number, or leave one image at each place, it is their order.
    """
    found = [re.findall(r"\d+(?:\.\d+)?", name) for name in names]
    order = Times("number in the order of the files", [float(i) for i in range(len(names))], [""] * len(names))
    if not names or len({len(numbers) for numbers in found}) != 1:
        return order
    differing = [k for k in range(len(found[0])) if len({float(numbers[k]) for numbers in found}) > 1]
    if not differing:
        return order
    parts = [re.split(r"\d+(?:\.\d+)?", name) for name in names]
    at = differing[-1]
    before = {part[at] for part in parts}
    groups = [_without(part, numbers, at) for part, numbers in zip(parts, found, strict=True)]
    pairs = {(group, float(numbers[at])) for group, numbers in zip(groups, found, strict=True)}
    if len(pairs) < len(names) or (len(set(groups)) > 1 and len(set(groups)) == len(names)):
        return order
    words = re.findall(r"[^\W\d_]+", before.pop()) if len(before) == 1 else []
    one = len(set(groups)) == 1
    return Times(
        words[-1] if words else "number in the name",
        [float(n[at]) for n in found],
        [""] * len(names) if one else groups,
    )


def _without(parts: list[str], numbers: list[str], at: int) -> str:
    """A name without its number at a place, and the word before it: what it has in common with others of its group."""
    texts = [part + (numbers[k] if k < len(numbers) and k != at else " ") for k, part in enumerate(parts)]
    texts[at] = re.sub(r"[^\W\d_]+\W*$", "", texts[at].rstrip())
    return " ".join(re.sub(r"[\s_\-.]+", " ", "".join(texts)).split())


def point(name: str, group: str, time: float, result: xr.Dataset) -> Point:
    """The shares of one image, with their errors; those of abundances too, of which nothing is expected to be wrong."""
    share = shares(result)
    if "abundances" in result:
        found = _errors(result["abundances"], is_background(result))
        return Point(name, group, time, share, found, np.full(len(share), np.nan))
    found = label_errors(result["labels"], len(component_names(result)), is_background(result))
    return Point(name, group, time, share, found, expected_wrong(result, share))


def expected_wrong(result: xr.Dataset, share: np.ndarray) -> np.ndarray:
    """The share of pixels that are labelled as each component and are expected to have another one, (component,).

    share : (component,), see spaxel.results.convention.shares      nan where it is, and where confidence is no probability
    """
    if not is_probability(result):
        return np.full(len(share), np.nan)
    sure = means_by_label(result["confidence"], result["labels"], len(share))
    return np.where(share > 0, share * (1 - sure), share)  # without pixels: 0 as the share


def label_errors(labels: Any, k: int, background: np.ndarray | None = None) -> np.ndarray:
    """Standard error of the share of each component, (k,); nan of a background, and where there are fewer than two blocks.

    labels : (y, x) int, -1 = no data      background : (k,) bool, no part of the shares
    """
    return ratio_errors(block_counts(labels, k), np.zeros(k, bool) if background is None else background)


def block_counts(labels: Any, k: int) -> np.ndarray:
    """Pixels of each label in each block of an image, (block, k) float. labels : (y, x) int, -1 = no data"""
    rows, columns, n = _blocks(labels.shape)
    counts = np.zeros((int(rows[-1]) + 1) * n * k, np.int64)
    for tile, _, (part,) in walk(labels, scratch=25):
        block = rows[tile.y0 : tile.y1, None] * n + columns[None, tile.x0 : tile.x1]
        known = part >= 0
        counts += np.bincount(block[known] * k + part[known], minlength=len(counts))
    return counts.reshape(-1, k).astype(float)


def _errors(abundances: xr.DataArray, background: np.ndarray) -> np.ndarray:
    """Standard error of the share of each component of a mixture. abundances : (y, x, component)

    What each pixel gives is taken in steps of 2^-24, so that sums are exact and their order does not matter.
    """
    rows, columns, n = _blocks((abundances.sizes["y"], abundances.sizes["x"]))
    k = len(background)
    counts = np.zeros(((int(rows[-1]) + 1) * n, k))
    for tile, _, (values,) in walk(abundances, scratch=24 * k):
        parts = np.nan_to_num(values.astype(np.float64)).reshape(-1, k)
        block = (rows[tile.y0 : tile.y1, None] * n + columns[None, tile.x0 : tile.x1]).ravel()
        parts /= np.maximum(parts.sum(-1, keepdims=True), 1e-30)
        parts *= STEPS
        for c in range(k):
            counts[:, c] += np.bincount(block, weights=np.rint(parts[:, c]), minlength=len(counts))
    return ratio_errors(counts / STEPS, background)


def _blocks(shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray, int]:
    """The block of each row and each column, and how many blocks there are side by side. A list has 64 along it."""
    rows, columns = shape
    wanted = BLOCKS**2 if min(shape) == 1 else BLOCKS
    side = max(1, -(-max(rows, columns) // wanted))
    return np.arange(rows) // side, np.arange(columns) // side, -(-columns // side)


def ratio_errors(counts: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Standard errors of shares from counts in blocks, (block, k) -> (k,)."""
    counts = np.where(background, 0, counts)
    whole = counts.sum(1)
    counts, whole = counts[whole > 0], whole[whole > 0]
    n = len(whole)
    if n < 2:
        return np.full(len(background), np.nan)
    left = counts - counts.sum(0) / whole.sum() * whole[:, None]
    error = np.sqrt(n / (n - 1) * (left**2).sum(0)) / whole.sum()
    return np.where(background, np.nan, error)
