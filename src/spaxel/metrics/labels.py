"""How good is a map of labels: against a truth, and without one. Plain functions of arrays.

Numbers of components mean nothing, so nothing here depends on them: components are matched to classes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import entr

from spaxel.cube.stored import by_block, is_lazy
from spaxel.errors import CubeError, ParameterError
from spaxel.metrics.pairs import Pairs
from spaxel.results.walk import walk


def score(result: Any, truth: Any = None) -> dict[str, Any]:
    """How well labels agree with a truth. All values are builtins, ready for JSON.

    result : result Dataset with `labels`, or integers (y, x); -1 = none
    truth  : integers (y, x), -1 = unlabelled; or abundances (y, x, class), of which the largest counts; or a Dataset with
             truth_labels or truth_abundances, where pixels that are not `valid` are not scored; None: the result's own
    returns: n_pixels (scored), n_unassigned (of those, label -1), n_components, n_classes;
             ari, nmi          -1 counts as one more component
             matching          {class: component}, one to one, so that most pixels agree; classes without are left out
             accuracy, kappa   after this matching; an unassigned pixel is wrong
             majority_accuracy many to one: each component stands for its most frequent class; never falls when
                               components are split, so it flatters many components
             iou, mean_iou     {class: intersection / union with the matched component}, in the order of the classes
    Classes are keys as text, as JSON wants them. Hubert and Arabie 1985; Kuhn 1955 (matching).
    Raises CubeError: shapes differ, no labelled pixel, no truth.

    >>> import spaxel
    >>> found = spaxel.score([[0, 0, 1, 1]], [[3, 3, 5, 3]])
    >>> found["accuracy"], found["matching"]
    (0.75, {'3': 0, '5': 1})
    """
    pairs = Pairs()
    for found, wanted in _together(result, result if truth is None else truth):
        scored = wanted >= 0
        pairs.add(wanted[scored], found[scored])
    if not pairs.counts:
        raise CubeError("The truth has no labelled pixel (all are -1). Try another truth.")
    classes, named, whole = pairs.table()
    components = named[named >= 0]
    table = whole[:, len(named) - len(components) :]  # without the column of the unassigned
    n = int(whole.sum())
    return {
        "n_pixels": n,
        "n_unassigned": n - int(table.sum()),
        "n_components": len(components),
        "n_classes": len(classes),
        "ari": adjusted_rand(whole),
        "nmi": mutual_information(whole),
        "majority_accuracy": int(table.max(0, initial=0).sum()) / n,
        **_after_matching(table, whole.sum(1), classes, components),
    }


def stability(a: Any, b: Any) -> float:
    """Adjusted Rand index of two label images, where both have a label: 1 = the same parts, 0 = as by chance.

    a, b : integers of one shape, -1 = none      Hubert and Arabie 1985, doi:10.1007/BF01908075
    nan if no pixel has both. Raises CubeError for different shapes.
    """
    a, b = _whole(a, "a"), _whole(b, "b")
    if a.shape != b.shape:
        raise CubeError(f"The label images have shapes {a.shape} and {b.shape}. Try two results of one cube.")
    both, pairs = (a >= 0) & (b >= 0), Pairs()
    pairs.add(a[both], b[both])
    return adjusted_rand(pairs.table()[2]) if pairs.counts else float("nan")


def silhouette(features: np.ndarray, labels: Any, n: int = 2000, seed: int = 0) -> float:
    """Mean silhouette of at most n pixels: 1 = far from other components, 0 = between two, negative = in the wrong one.

    features : (..., feature)      labels : (...) integers, -1 = left out      Rousseeuw 1987
    nan if fewer than two components, or no two pixels of one, are among the pixels drawn.
    Raises CubeError if the shapes do not fit, ParameterError for n < 2.
    """
    from sklearn.metrics import silhouette_score

    features, labels = np.asarray(features), _whole(labels, "labels")
    if features.shape[:-1] != labels.shape:
        raise CubeError(f"The features have shape {features.shape}, the labels {labels.shape}: the first axes differ.")
    if n < 2:
        raise ParameterError(f"n is {n}, expected at least 2 pixels.")
    at = np.flatnonzero(labels.ravel() >= 0)
    if len(at) > n:
        at = np.sort(np.random.default_rng(seed).choice(at, n, replace=False))
    features, labels = features.reshape(-1, features.shape[-1])[at], labels.ravel()[at]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return float("nan")
    return float(silhouette_score(features, labels))


def spatial_coherence(labels: Any) -> float:
    """How much more often neighbours agree than pixels put at random: 1 = one part per side, 0 = salt and pepper.

    labels : (y, x) integers, pairs with -1 are left out      returns : (p - e) / (1 - e), at most 1
    p the share of pairs of 4-neighbours with equal labels, e = Σ q_k² with q_k the share of label k in these pairs: the
    form of Cohen's kappa (1960). nan without pairs, or where all have one label: there is nothing to agree on.
    Raises CubeError if it is no image.
    """
    labels = _whole(labels, "labels")
    if labels.ndim != 2:
        raise CubeError(f"The labels have shape {labels.shape}, expected an image (y, x).")
    pairs = np.concatenate(
        [
            np.stack([labels[:-1].ravel(), labels[1:].ravel()]),
            np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()]),
        ],
        axis=1,
    )
    pairs = pairs[:, (pairs >= 0).all(0)]
    share = np.unique(pairs, return_counts=True)[1] / max(pairs.size, 1)
    if len(share) < 2:
        return float("nan")
    chance = float((share**2).sum())
    return float(((pairs[0] == pairs[1]).mean() - chance) / (1 - chance))


def adjusted_rand(table: np.ndarray) -> float:
    """Adjusted Rand index of a contingency table (class, component): 1 = the same parts, 0 = as by chance.

    (Σ C(n_ij, 2) - e) / ((a + b) / 2 - e), e = a b / C(n, 2): Hubert and Arabie 1985, doi:10.1007/BF01908075
    1 where both sides are one part, or all parts are single pixels on both sides.
    """
    both, a, b, everything = (
        sum(n * (n - 1) // 2 for n in counts.ravel().tolist())  # Python integers: no overflow
        for counts in (table, table.sum(1), table.sum(0), table.sum(keepdims=True))
    )
    if both == a == b:
        return 1.0
    chance = a * b / everything
    return (both - chance) / ((a + b) / 2 - chance)


def mutual_information(table: np.ndarray) -> float:
    """Normalized mutual information of a contingency table (class, component): I / mean(H, H'), 0 … 1.

    1 where both sides are one part.      Strehl and Ghosh 2002, with the arithmetic mean, as scikit-learn
    """
    joint = table / table.sum()
    a, b, both = (float(entr(p).sum()) for p in (joint.sum(1), joint.sum(0), joint))
    return 1.0 if a + b == 0 else min(1.0, max(0.0, 2 * (a + b - both) / (a + b)))


def _after_matching(table: np.ndarray, size: np.ndarray, classes: np.ndarray, components: np.ndarray) -> dict[str, Any]:
    """The scores that need one component per class. table : (class, component)      size : (class,) pixels"""
    from scipy.optimize import linear_sum_assignment

    n, area = int(size.sum()), table.sum(0)
    pairs = {int(c): int(k) for c, k in zip(*linear_sum_assignment(-table), strict=True) if table[c, k] > 0}
    agreed = sum(int(table[c, k]) for c, k in pairs.items()) / n
    chance = sum(int(size[c]) * int(area[k]) for c, k in pairs.items()) / n**2
    iou = {str(name): 0.0 for name in classes}
    iou |= {str(classes[c]): float(table[c, k] / (size[c] + area[k] - table[c, k])) for c, k in pairs.items()}
    return {
        "accuracy": agreed,
        "kappa": 1.0 if chance == 1 else (agreed - chance) / (1 - chance),
        "mean_iou": sum(iou.values()) / len(iou),
        "iou": iou,
        "matching": {str(classes[c]): int(components[k]) for c, k in sorted(pairs.items())},
    }


def _together(result: Any, truth: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Labels and true labels of one rectangle of the image after the other; all at once where both are in memory."""
    if isinstance(result, xr.Dataset) and "labels" not in result:
        raise CubeError(f"The result holds no `labels`, only {', '.join(map(str, result))}. Try model.predict.")
    labels = result["labels"] if isinstance(result, xr.Dataset) else result
    known = _truths(truth)
    size, true = np.shape(labels), np.shape(known[0])[:2] if known else ()
    if not (len(size) == 2 and any(is_lazy(getattr(one, "data", one)) for one in (labels, *known))):
        found, wanted = _whole(labels, "The labels"), truth_labels(truth)
        _check_shapes(found.shape, wanted.shape)
        yield found, wanted
        return
    _check_shapes(size, true)
    for _, _, (part, *own) in walk(labels, *known, scratch=80):
        yield _whole(part, "The labels"), _true(own, truth)


def _check_shapes(found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        raise CubeError(f"The labels have shape {found}, the truth {wanted}. Try the truth of this cube.")


def _truths(truth: Any) -> list[Any]:
    """The maps (y, x, ...) that a truth is: of labels, or abundances; and where it holds."""
    if not isinstance(truth, xr.Dataset):
        return [truth]
    name = next((name for name in ("truth_labels", "truth_abundances") if name in truth), None)
    if name is None:
        raise CubeError("There is no truth_labels and no truth_abundances. Try score(result, truth).")
    return [truth[name], *([truth["valid"]] if "valid" in truth else [])]


def _true(maps: list[np.ndarray], truth: Any) -> np.ndarray:
    """True labels of a rectangle. maps : of `_truths`, there"""
    labels = (
        _largest(maps[0])
        if maps[0].ndim == 3
        else _whole(maps[0], "truth_labels" if isinstance(truth, xr.Dataset) else "The truth")
    )
    return np.where(maps[1], labels, -1) if len(maps) > 1 else labels


def truth_labels(truth: Any) -> Any:
    """Labels (y, x) int64 of a truth: of a label image, of abundances (the largest), of a Dataset that holds either; -1 = none.

    Lazily, block by block, where the truth is of a Dataset and lies on the disk.
    """
    maps = [getattr(one, "data", one) for one in _truths(truth)]
    if isinstance(truth, xr.Dataset):
        return by_block(lambda *parts: _true(list(parts), truth), *maps, dtype=np.int64)
    return _true([np.asarray(one) for one in maps], truth)


def _largest(abundances: Any) -> np.ndarray:
    values = np.asarray(abundances)
    known = np.isfinite(values).all(-1) & (values > 0).any(-1)
    return np.where(known, np.nan_to_num(values).argmax(-1), -1)


def _whole(labels: Any, name: str) -> np.ndarray:
    """Labels as int64, any negative one as -1, nan as -1. Raises CubeError if they are no whole numbers."""
    values = np.asarray(labels)
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, -1)
        if (values != np.round(values)).any():
            raise CubeError(f"{name} must be whole numbers, got {values.dtype} with fractions. Try numpy.argmax.")
    elif values.dtype.kind not in "biu":
        raise CubeError(
            f"{name} must be whole numbers, got dtype {values.dtype}. Try numpy.unique(return_inverse=True)."
        )
    return np.maximum(values.astype(np.int64), -1)
