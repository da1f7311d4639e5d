"""Navigable granularity: any level of a merge tree (spaxel.results.trees), merges and names by hand, without fitting again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.results.convention import canonical_order, check_result, given_names, relabel, sentences, with_names
from spaxel.results.grouping import Grouping, Which, group
from spaxel.results.trees import centroid_tree, connectivity_tree, contact_tree, cut_tree, merge_tree, tree_through

__all__ = [
    "centroid_tree", "component_table", "connectivity_tree", "contact_tree", "cut", "cut_tree", "merge_moments", "merge_tree",
    "recall", "record", "tree_through",
]  # fmt: skip


def component_table(tree: np.ndarray, sizes: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Components at a level in canonical order, and their colours.

    sizes   : (n_micro,) pixels
    returns : component of each micro-cluster (n_micro,), colour of each component (level,). Going down the tree, the larger
              part of what splits keeps its colour and the smaller gets the next one, so level K uses colours 0..K-1
    """
    colors = {0: 0}
    owner = cut_tree(tree, 1)
    for k in range(2, level + 1):
        finer = cut_tree(tree, k)
        colors_of: dict[int, Any] = {}
        for parent in range(k - 1):
            children = np.unique(finer[owner == parent])
            larger = sorted(children, key=lambda c: -sizes[finer == c].sum())
            colors_of |= {larger[0]: colors[parent]} | ({larger[1]: k - 1} if len(larger) > 1 else {})
        owner, colors = finer, colors_of
    order = canonical_order(np.bincount(owner, weights=sizes, minlength=level))
    place = np.empty(level, int)
    place[order] = np.arange(level)
    return place[owner], np.array([colors[c] for c in order])


def cut(
    result: xr.Dataset,
    level: int | None = None,
    *,
    merge: Sequence[Sequence[Which]] = (),
    names: Mapping[Which, str] | None = None,
    like: xr.Dataset | None = None,
) -> xr.Dataset:
    """The same result with other components, without fitting again. Levels are nested, colours are kept.

    level : number of components at which the merge tree is cut, and all merges and names are taken back;
            None: merges and names are added to the components as they are
    merge : components to join by hand, as [(3, 7), (0, 1)], by number (at this level) or name
    names : {component: name}, of a merge by any of its components; "" takes a name back
    like  : another result of the same model, whose components, colours and names this one gets
    returns : labels, component_spectra, component_spread, component_size, component_color and confidence of the new
              components, largest first in what was fitted; a merge keeps the colour of its largest part. Where components
              are merged by hand the confidence is a lower bound
    Raises ParameterError if the result keeps no tree or the level is not among those that it keeps, and for merges and
    names that make no sense (see spaxel.results.grouping). Without a tree (unmixing) components can be named, not merged.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    >>> three = spaxel.cut(spaxel.KMeans().fit(cube).predict(cube), 3, merge=[(1, 2)], names={1: "red"})
    >>> three["component_spectra"].sel(component="red").shape
    (64,)
    """
    check_result(result)
    if like is not None:
        return recall(result, record(like))
    if "merge_tree" not in result:
        return _named(result, level, merge, names)
    tree, weight = result["merge_tree"].values, _weight(result)
    if level is None:
        component, color, known = _component(result), result["component_color"].values, given_names(result)
        level, words = int(result.attrs.get("level", len(color))), sentences(result.attrs, "by_hand")
    else:
        _check_level(level, tree)
        component, color = component_table(tree, weight, level)
        known, words = [""] * level, [f"Cut at level {level} by hand."]
    grouping = group(known, merge, names)
    component, color, called = _joined(component, color, weight, grouping)
    return _regrouped(result, component, color, called, level, words + grouping.words)


def record(result: xr.Dataset) -> dict[str, Any]:
    """How the components of a result are made of micro-clusters, and their names: plain values, for run.json and `recall`."""
    made = {"level": int(result.attrs.get("level", result.sizes["component"])), "names": given_names(result)}
    made |= {"by_hand": sentences(result.attrs, "by_hand")}
    if "merge_tree" not in result:
        return made
    return made | {"component": _component(result).tolist(), "color": result["component_color"].values.tolist()}


def recall(result: xr.Dataset, made: dict[str, Any]) -> xr.Dataset:
    """A result of the same model with the components of a record: the same merges, numbers, colours and names.

    Raises ParameterError if the record is of another model (its number of parts or components differs).
    """
    if "merge_tree" not in result:
        if len(made["names"]) != result.sizes["component"]:
            raise ParameterError("The components come from another model. Try results of one run.")
        return with_names(result, made["names"]).assign_attrs(by_hand=made["by_hand"])
    component = np.asarray(made.get("component", []), int)
    if len(component) != result.sizes["micro"]:
        raise ParameterError(
            f"The components come from another model: of {len(component)} micro-clusters, and this result has "
            f"{result.sizes['micro']}. Try results of one run."
        )
    return _regrouped(result, component, np.asarray(made["color"]), made["names"], made["level"], made["by_hand"])


def _check_level(level: int, tree: np.ndarray) -> None:
    if not 1 <= level <= len(tree) + 1:
        raise ParameterError(f"level is {level}, expected 1 to {len(tree) + 1} (the micro-clusters of this result).")


def _named(
    result: xr.Dataset, level: int | None, merge: Sequence[Sequence[Which]], names: Mapping[Which, str] | None
) -> xr.Dataset:
    """A result without a tree with names: it cannot be cut or merged."""
    if level is not None or merge or "component" not in result.sizes:
        raise ParameterError(
            "This result keeps no merge tree, so it cannot be cut. Try segment with --n-clusters auto."
        )
    grouping = group(given_names(result), (), names)
    words = [*sentences(result.attrs, "by_hand"), *grouping.words]
    return with_names(result, grouping.names).assign_attrs(by_hand=words)


def _weight(result: xr.Dataset) -> np.ndarray:
    """What decides the order: the parts in the sample of the fit; in a result that does not keep them, its own pixels."""
    return result["micro_weight" if "micro_weight" in result else "micro_size"].values


def _component(result: xr.Dataset) -> np.ndarray:
    """The component of each micro-cluster of a result as it is."""
    if "micro_component" in result:
        return result["micro_component"].values.astype(int)
    return component_table(result["merge_tree"].values, _weight(result), result.sizes["component"])[0]


def _joined(
    component: np.ndarray, color: np.ndarray, weight: np.ndarray, grouping: Grouping
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Components after merges by hand, largest first: of each micro-cluster (m,), colours (g,), names (g,)."""
    size = np.bincount(component, weights=weight, minlength=len(grouping.into))
    total = np.bincount(grouping.into, weights=size)
    order = canonical_order(total)
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    members = [np.flatnonzero(grouping.into == g) for g in order]
    colors = np.array([color[m[size[m].argmax()]] for m in members])
    return place[grouping.into][component], colors, [grouping.names[g] for g in order]


def _regrouped(
    result: xr.Dataset, component: np.ndarray, color: np.ndarray, names: Sequence[str], level: int, words: Sequence[str]
) -> xr.Dataset:
    """The result with components that are made of these micro-clusters. component : (m,)      color, names : (k,)"""
    k, sizes = len(color), result["micro_size"].values
    spectra, spread = merge_moments(result["micro_spectra"].values, result["micro_spread"].values, sizes, component, k)
    size = np.bincount(component, weights=sizes, minlength=k).astype(np.int64)
    spectra, spread = (np.where(size[:, None] > 0, values, np.nan) for values in (spectra, spread))
    new = result.drop_dims("component").assign(
        labels=(("y", "x"), relabel(result["micro_labels"].values, component)),
        component_spectra=(("component", "channel"), spectra, result["component_spectra"].attrs),
        component_spread=(("component", "channel"), spread, result["component_spread"].attrs),
        component_size=("component", size),
        component_color=("component", color),
        micro_component=("micro", component.astype(np.int32)),
        confidence=(("y", "x"), _confidence_at(result, component)),
    )
    why = str(result.attrs.get("sentence_of_fit", result.attrs.get("sentence", "")))
    attrs = {"n_components": k, "level": int(level), "by_hand": list(words), "sentence_of_fit": why}
    said = " ".join([*words, f"The fit said: {why}" if words and why else why]).strip()
    return with_names(new.assign_attrs(attrs | {"sentence": said}), names)


def merge_moments(
    mean: np.ndarray, spread: np.ndarray, sizes: np.ndarray, component: np.ndarray, n_components: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of components from those of their micro-clusters, (m, channel) -> (k, channel)."""
    share = np.zeros((n_components or component.max() + 1, len(sizes)))
    share[component, np.arange(len(sizes))] = sizes
    share /= np.maximum(share.sum(1, keepdims=True), 1)
    mean, spread = np.nan_to_num(mean), np.nan_to_num(spread)
    merged = share @ mean
    return merged, np.sqrt(np.maximum(share @ (spread**2 + mean**2) - merged**2, 0))


def _confidence_at(result: xr.Dataset, component: np.ndarray) -> np.ndarray:
    """Confidence of components that are made of these micro-clusters, from that of the levels of the tree. component : (m,)

    Of each part the coarsest level is taken at which all that is merged with it belongs to its component: exact for a
    level of the tree, and a lower bound for merges by hand, where the nearest other component may be farther still.
    """
    data = result["labels"].values >= 0
    single = component.max() == 0
    found = np.where(data, np.float32(1 if single else np.nan), np.float32(np.nan))
    if single or "level_confidence" not in result:
        return found
    levels, micro = result["level"].values, result["micro_labels"].values
    best = _coarsest(result["merge_tree"].values, component, levels)
    for level in np.unique(best):
        here = data & np.append(best == level, False)[micro]
        found[here] = result["level_confidence"].sel(level=level).values[here].astype(np.float32) / 255
    return found


def _coarsest(tree: np.ndarray, component: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The smallest level at which what is merged with each part lies in its component; the largest where none does."""
    best = np.full(len(component), levels.max())
    for level in np.sort(levels)[::-1]:
        owner = cut_tree(tree, int(level))
        pure = np.array([len(np.unique(component[owner == k])) == 1 for k in range(int(level))])
        best[pure[owner]] = level
    return best
