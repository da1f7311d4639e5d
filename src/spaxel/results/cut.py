"""Navigable granularity: any level of a merge tree (spaxel.results.trees), and what is done by hand, without fitting again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.results.changes import NO_PAINT, Changes, changed
from spaxel.results.convention import (
    canonical_order,
    check_result,
    given_names,
    is_background,
    relabel,
    sentences,
    with_names,
)
from spaxel.results.grouping import Which
from spaxel.results.parts import Components, Forest
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
    split: Sequence[Which] = (),
    colors: Mapping[Which, str] | None = None,
    background: Mapping[Which, bool] | Sequence[Which] = (),
    like: xr.Dataset | None = None,
) -> xr.Dataset:
    """The same result with other components, without fitting again. Levels are nested, colours are kept.

    level : number of components at which the merge tree is cut, and all that was done by hand is taken back;
            None: what is done by hand is added to the components as they are
    split : components to split in two as the tree does, one after the other: 3 becomes 3a, the larger part, and 3b
    merge : components to join by hand, as [(3, 7), (0, "3b")], by number (at this level), part or name
    names : {component: name}, of a merge by any of its components; "" takes a name back
    colors: {component: "#D55E00"}; "" takes a colour back
    background : components that are shown grey and are no part of the shares; {component: False} takes that back
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
    changes = Changes(split, merge, names, colors, background)
    if "merge_tree" not in result:
        return _named(result, level, changes)
    forest = forest_of(result)
    now = components_of(result) if level is None else at_level(forest, level)
    words = sentences(result.attrs, "by_hand") if level is None else [f"Cut at level {level} by hand."]
    now, said = changed(forest, now, changes)
    return _regrouped(result, now, [*words, *said])


def forest_of(result: xr.Dataset) -> Forest:
    """The merge tree of a result, with the weights that order its components."""
    return Forest.of(result["merge_tree"].values, _weight(result))


def components_of(result: xr.Dataset) -> Components:
    """The components of a result as they are, and what people said of them."""
    component = _component(result) if "merge_tree" in result else np.zeros(0, int)
    k = result.sizes["component"]
    color = result["component_color"].values if "component_color" in result else np.arange(k)
    paint = result["component_paint"].values.astype(int) if "component_paint" in result else np.full(k, NO_PAINT)
    level = int(result.attrs.get("level", k))
    return Components(level, component, color, given_names(result), paint, is_background(result))


def at_level(forest: Forest, level: int) -> Components:
    """The components at a level of the tree, as nobody has touched them. Raises ParameterError for one that is not there."""
    _check_level(level, forest.tree)
    component, color = component_table(forest.tree, forest.weight, level)
    return Components(level, component, color, [""] * level, np.full(level, NO_PAINT), np.zeros(level, bool))


def record(result: xr.Dataset) -> dict[str, Any]:
    """How the components of a result are made of micro-clusters, and what people said of them: plain values, for run.json
    and `recall`."""
    now = components_of(result)
    made: dict[str, Any] = {"level": now.level, "names": now.names, "by_hand": sentences(result.attrs, "by_hand")}
    if (now.paint != NO_PAINT).any():
        made["paint"] = now.paint.tolist()
    if now.background.any():
        made["background"] = now.background.tolist()
    if "merge_tree" not in result:
        return made
    return made | {"component": now.component.tolist(), "color": now.color.tolist()}


def recall(result: xr.Dataset, made: dict[str, Any]) -> xr.Dataset:
    """A result of the same model with the components of a record: the same merges, numbers, colours and names.

    Raises ParameterError if the record is of another model (its number of parts or components differs).
    """
    k = len(made["names"])
    paint, grey = (
        np.asarray(made.get(name) or [none] * k) for name, none in (("paint", NO_PAINT), ("background", False))
    )
    component = np.asarray(made.get("component", []), int)
    color = np.asarray(made.get("color", np.arange(k)))
    now = Components(made["level"], component, color, made["names"], paint, grey)
    if "merge_tree" not in result:
        if k != result.sizes["component"]:
            raise ParameterError("The components come from another model. Try results of one run.")
        return _said(result, now).assign_attrs(by_hand=made["by_hand"])
    if len(component) != result.sizes["micro"]:
        raise ParameterError(
            f"The components come from another model: of {len(component)} micro-clusters, and this result has "
            f"{result.sizes['micro']}. Try results of one run."
        )
    return _regrouped(result, now, made["by_hand"])


def _check_level(level: int, tree: np.ndarray) -> None:
    if not 1 <= level <= len(tree) + 1:
        raise ParameterError(f"level is {level}, expected 1 to {len(tree) + 1} (the micro-clusters of this result).")


def _named(result: xr.Dataset, level: int | None, changes: Changes) -> xr.Dataset:
    """A result without a tree with names and colours: it cannot be cut, split or merged."""
    if level is not None or changes.merge or changes.split or "component" not in result.sizes:
        raise ParameterError(
            "This result keeps no merge tree, so it cannot be cut. Try segment with --n-clusters auto."
        )
    now, said = changed(None, components_of(result), changes)
    return _said(result, now).assign_attrs(by_hand=[*sentences(result.attrs, "by_hand"), *said])


def _said(result: xr.Dataset, now: Components) -> xr.Dataset:
    """The result with names, colours by hand and backgrounds, each kept only where there is one."""
    result = result.drop_vars(["component_paint", "component_background"], errors="ignore")
    if (now.paint != NO_PAINT).any():
        result = result.assign(component_paint=("component", now.paint.astype(np.int32)))
    if now.background.any():
        result = result.assign(component_background=("component", now.background.astype(bool)))
    return with_names(result, now.names)


def _weight(result: xr.Dataset) -> np.ndarray:
    """What decides the order: the parts in the sample of the fit; in a result that does not keep them, its own pixels."""
    return result["micro_weight" if "micro_weight" in result else "micro_size"].values


def _component(result: xr.Dataset) -> np.ndarray:
    """The component of each micro-cluster of a result as it is."""
    if "micro_component" in result:
        return result["micro_component"].values.astype(int)
    return component_table(result["merge_tree"].values, _weight(result), result.sizes["component"])[0]


def _regrouped(result: xr.Dataset, now: Components, words: Sequence[str]) -> xr.Dataset:
    """The result with these components."""
    component, k, sizes = now.component, len(now.color), result["micro_size"].values
    spectra, spread = merge_moments(result["micro_spectra"].values, result["micro_spread"].values, sizes, component, k)
    size = np.bincount(component, weights=sizes, minlength=k).astype(np.int64)
    spectra, spread = (np.where(size[:, None] > 0, values, np.nan) for values in (spectra, spread))
    new = result.drop_dims("component").assign(
        labels=(("y", "x"), relabel(result["micro_labels"].values, component)),
        component_spectra=(("component", "channel"), spectra, result["component_spectra"].attrs),
        component_spread=(("component", "channel"), spread, result["component_spread"].attrs),
        component_size=("component", size),
        component_color=("component", now.color),
        micro_component=("micro", component.astype(np.int32)),
        confidence=(("y", "x"), _confidence_at(result, component)),
    )
    why = str(result.attrs.get("sentence_of_fit", result.attrs.get("sentence", "")))
    attrs = {"n_components": k, "level": int(now.level), "by_hand": list(words), "sentence_of_fit": why}
    said = " ".join([*words, f"The fit said: {why}" if words and why else why]).strip()
    return _said(new.assign_attrs(attrs | {"sentence": said}), now)


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
