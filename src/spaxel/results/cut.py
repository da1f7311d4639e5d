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
    sentences,
)
from spaxel.results.grouping import Which
from spaxel.results.parts import NONE, Components, Forest, draws_from, own_levels
from spaxel.results.regrouping import merge_moments, regrouped
from spaxel.results.trees import centroid_tree, connectivity_tree, contact_tree, cut_tree, merge_tree, tree_through

__all__ = [
    "centroid_tree", "component_table", "connectivity_tree", "contact_tree", "cut", "cut_tree", "merge_moments", "merge_tree",
    "recall", "record", "tree_through",
]  # fmt: skip


def component_table(
    tree: np.ndarray, sizes: np.ndarray, level: int, own: Mapping[int, np.ndarray] = NONE
) -> tuple[np.ndarray, np.ndarray]:
    """Components at a level in canonical order, and their colours.

    sizes   : (n_micro,) pixels      own : {level: (n_micro,)} of levels that need not be a cut of the tree
    returns : component of each micro-cluster (n_micro,), colour of each component (level,). Going down the tree, the larger
              part of what splits keeps its colour and the smaller gets the next one, so level K uses colours 0..K-1.
              A component of an own level has the colour of that component of the cut with which it has most in common
    """
    return component_tables(tree, sizes, [level], own)[level]


def component_tables(
    tree: np.ndarray, sizes: np.ndarray, levels: Sequence[int], own: Mapping[int, np.ndarray] = NONE
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """{level: what `component_table` gives}, all in one way down the tree."""
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    wanted, colors, owner = set(levels), {0: 0}, cut_tree(tree, 1)
    for k in range(1, max(levels, default=0) + 1):
        if k > 1:
            owner, colors = _split(owner, colors, cut_tree(tree, k), sizes)
        if k in wanted:
            found[k] = _in_order(k, owner, colors, sizes, own.get(k))
    return found


def _split(
    owner: np.ndarray, colors: dict[int, int], finer: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, dict[int, int]]:
    """Components of the next level and their colours."""
    colors_of: dict[int, int] = {}
    for parent in range(len(colors)):
        children = np.unique(finer[owner == parent])
        larger = sorted(children, key=lambda c: -sizes[finer == c].sum()) if len(children) > 1 else children
        colors_of |= {larger[0]: colors[parent]} | ({larger[1]: len(colors)} if len(larger) > 1 else {})
    return finer, colors_of


def _in_order(
    level: int, owner: np.ndarray, colors: dict[int, int], sizes: np.ndarray, own: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Components of one level in canonical order, and their colours. own : those of a level that is no cut of the tree"""
    if own is not None:
        owner, colors = own, _matched(own, owner, colors, sizes)
    order = canonical_order(np.bincount(owner, weights=sizes, minlength=level))
    place = np.empty(level, int)
    place[order] = np.arange(level)
    return place[owner], np.array([colors[c] for c in order])


def _matched(own: np.ndarray, owner: np.ndarray, colors: dict[int, Any], sizes: np.ndarray) -> dict[int, Any]:
    """Colours of components (m,) by those of as many others (m,): the pair with most in common first, each once."""
    table = np.zeros((len(colors), len(colors)))
    np.add.at(table, (own, owner), sizes)
    found: dict[int, Any] = {}
    for place in np.argsort(-table.ravel(), kind="stable"):
        one, other = divmod(int(place), len(colors))
        if one not in found and colors[other] not in found.values():
            found[one] = colors[other]
    return found


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
    """The same result with other components, without fitting again. Colours are kept as far as components are.

    level : number of components, and all that was done by hand is taken back; None: what is done by hand is added to the
            components as they are. A fit that looked for the number keeps, for 2 to 12 components, which of its finest parts
            make up the map that it would give if it were told that number (`level_component`); these maps are not parts of
            one another. Above, and in results that keep none, levels are cuts of the merge tree and nested
    split : components to split in two as the tree does, one after the other: 3 becomes 3a, the larger part, and 3b
    merge : components to join by hand, as [(3, 7), (0, "3b")], by number (at this level), part or name
    names : {component: name}, of a merge by any of its components; "" takes a name back
    colors: {component: "#D55E00"}; "" takes a colour back
    background : components that are shown grey and are no part of the shares; {component: False} takes that back
    like  : another result of the same model, whose components, colours and names this one gets
    returns : labels, component_spectra, component_spread, component_size, component_color and confidence of the new
              components, largest first in what was fitted; a merge keeps the colour of its largest part. Where components
              are merged by hand the confidence is about a lower bound
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
    now, words = planned(result, level, changes)
    return regrouped(result, now, words)


def planned(
    result: xr.Dataset, level: int | None, changes: Changes, start: Mapping[str, Any] | None = None
) -> tuple[Components, list[str]]:
    """What `cut` makes of a result, without its maps: the components, and in sentences what was done by hand.

    start : a record of other components to begin with, in place of those that the result has; not looked at with a level
    """
    forest = forest_of(result) if "merge_tree" in result else None
    if forest is None and (level is not None or changes.merge or changes.split or "component" not in result.sizes):
        raise ParameterError(
            "This result keeps no merge tree, so it cannot be cut. Try segment with --n-clusters auto."
        )
    if forest is not None and level is not None:
        now = at_level(forest, level)
        words = [f"Cut at level {level} by hand.", *_apart(result, forest, now)]
    elif start is not None:
        now, words = recalled(result, start)
    else:
        now, words = components_of(result), sentences(result.attrs, "by_hand")
    now, said = changed(forest, now, changes)
    return now, [*words, *said]


def forest_of(result: xr.Dataset) -> Forest:
    """The merge tree of a result, with the weights that order its components."""
    return Forest.of(result["merge_tree"].values, _weight(result), own_levels(result))


def components_of(result: xr.Dataset) -> Components:
    """The components of a result as they are, and what people said of them."""
    component = _component(result) if "merge_tree" in result else np.zeros(0, int)
    k = result.sizes["component"]
    color = result["component_color"].values if "component_color" in result else np.arange(k)
    paint = result["component_paint"].values.astype(int) if "component_paint" in result else np.full(k, NO_PAINT)
    level = int(result.attrs.get("level", k))
    return Components(level, component, color, given_names(result), paint, is_background(result))


def at_level(forest: Forest, level: int) -> Components:
    """The components at a level, as nobody has touched them. Raises ParameterError for one that is not there."""
    _check_level(level, forest.tree)
    component, color = component_table(forest.tree, forest.weight, level, forest.own)
    return Components(level, component, color, [""] * level, np.full(level, NO_PAINT), np.zeros(level, bool))


def _apart(result: xr.Dataset, forest: Forest, now: Components) -> list[str]:
    """A sentence where components of a level are not those that were found, joined or divided."""
    found = result.attrs.get("uncut_component")
    before = _component(result) if found is None else np.asarray(found, int)
    mixed = draws_from(before, now.component, forest.weight)
    if not mixed:
        return []
    said = "; ".join(f"{k} draws from {' and '.join(map(str, of))}" for k, of in mixed.items())
    return [f"These are not the {before.max() + 1} components that were found, joined or divided: {said} of those."]


def record(result: xr.Dataset) -> dict[str, Any]:
    """How the components of a result are made of micro-clusters, and what people said of them: plain values, for run.json
    and `recall`."""
    return recorded(components_of(result), sentences(result.attrs, "by_hand"))


def recorded(now: Components, words: Sequence[str]) -> dict[str, Any]:
    """Components as plain values. words : what was done by hand, in sentences"""
    made: dict[str, Any] = {"level": now.level, "names": now.names, "by_hand": list(words)}
    if (now.paint != NO_PAINT).any():
        made["paint"] = now.paint.tolist()
    if now.background.any():
        made["background"] = now.background.tolist()
    return made | ({"component": now.component.tolist(), "color": now.color.tolist()} if len(now.component) else {})


def recall(result: xr.Dataset, made: Mapping[str, Any]) -> xr.Dataset:
    """A result of the same model with the components of a record: the same merges, numbers, colours and names.

    Raises ParameterError if the record is of another model (its number of parts or components differs).
    """
    now, words = recalled(result, made)
    return regrouped(result, now, words)


def recalled(result: xr.Dataset, made: Mapping[str, Any]) -> tuple[Components, list[str]]:
    """The components of a record for a result of the same model, and what was done by hand; raises as `recall`."""
    k, tree = len(made["names"]), "merge_tree" in result
    component, words = np.asarray(made.get("component", []), int), list(made["by_hand"])
    if not tree and k != result.sizes["component"]:
        raise ParameterError("The components come from another model. Try results of one run.")
    if tree and len(component) != result.sizes["micro"]:
        raise ParameterError(
            f"The components come from another model: of {len(component)} micro-clusters, and this result has "
            f"{result.sizes['micro']}. Try results of one run."
        )
    paint, grey = (
        np.asarray(made.get(name) or [none] * k) for name, none in (("paint", NO_PAINT), ("background", False))
    )
    color = np.asarray(made.get("color", np.arange(k)))
    return Components(made["level"], component, color, list(made["names"]), paint, grey), words


def _check_level(level: int, tree: np.ndarray) -> None:
    if not 1 <= level <= len(tree) + 1:
        raise ParameterError(f"level is {level}, expected 1 to {len(tree) + 1} (the micro-clusters of this result).")


def _weight(result: xr.Dataset) -> np.ndarray:
    """What decides the order: the parts in the sample of the fit; in a result that does not keep them, its own pixels."""
    return result["micro_weight" if "micro_weight" in result else "micro_size"].values


def _component(result: xr.Dataset) -> np.ndarray:
    """The component of each micro-cluster of a result as it is."""
    if "micro_component" in result:
        return result["micro_component"].values.astype(int)
    return component_table(result["merge_tree"].values, _weight(result), result.sizes["component"])[0]
