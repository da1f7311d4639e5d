"""All levels of a merge tree at once, small enough for a page or a viewer to move between them without a server.

A component at any level is a node: a set of micro-clusters in a colour. Its size and spectrum are the same at every level at
which it stands; only its number and its confidence change. So 24 levels of a tree are 47 nodes, a table for each level, and one
map; levels that are no cut of a tree have more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.smaller import is_large, nested_majority
from spaxel.figures.palette import painted
from spaxel.figures.reduce import component_sizes, n_components, reduce_mean, small_map, step_for
from spaxel.results.convention import component_names, found_whole
from spaxel.results.cut import component_table, component_tables, merge_moments
from spaxel.results.numbers import SCRATCH, LabelSums
from spaxel.results.parts import own_levels
from spaxel.results.walk import walk

Sums = dict[int, tuple[np.ndarray, np.ndarray]]
NO_DATA = 255  # in maps of confidence


class State(NamedTuple):
    """The components at one level, in their order.

    nodes : of each component      names : of each      confidence : mean of each, nan where it is not known
    """

    level: int
    nodes: list[int]
    names: list[str]
    confidence: list[float]


class Levels(NamedTuple):
    """What a result is at every level that it keeps.

    member : (node, part) bool, which parts a node is made of; parts are micro-clusters, or components where there are none
    sizes  : (node,) pixels      colors : of each node      states : by level, coarse to fine      own : the result as it is
    """

    member: np.ndarray
    sizes: np.ndarray
    colors: list[str]
    states: list[State]
    own: State

    def table(self, state: State) -> np.ndarray:
        """The component of each part in a state, (part,) int."""
        return self.member[state.nodes].argmax(0)


def levels_of(result: xr.Dataset, colors: Sequence[str], sums: Sums | None = None) -> Levels:
    """All levels of a result. colors : by place in the palette, as many as the finest level needs (component_colors)

    sums : see confidence_sums, where they are known already

    A result without a merge tree has one state and no levels. Merges, names and colours by hand are in `own` alone.
    """
    shown, names = painted(result, colors), component_names(result)
    part = own_parts(result)
    own_member = part == np.arange(len(shown))[:, None]
    sums = confidence_sums(result, part.size) if sums is None else sums
    if "merge_tree" not in result or not result.sizes.get("level", 0):
        state = State(len(shown), list(range(len(shown))), names, _means(own_member, *sums[0]))
        return Levels(own_member, component_sizes(result), shown, [], state)
    nodes: dict[tuple[bytes, str], int] = {}
    found: list[tuple[np.ndarray, str]] = []

    def node(member: np.ndarray, color: str) -> int:
        if (key := (member.tobytes(), color)) not in nodes:
            nodes[key] = len(found)
            found.append((member, color))
        return nodes[key]

    ours = [node(member, color) for member, color in zip(own_member, shown, strict=True)]
    own = State(int(result.attrs.get("level", len(shown))), ours, names, _means(own_member, *sums[0]))
    shown_by = {member.tobytes(): color for member, color in zip(own_member, shown, strict=True)}
    named_by = {member.tobytes(): name for member, name in zip(own_member, names, strict=True) if not _plain(name)}
    weight = result["micro_weight" if "micro_weight" in result else "micro_size"].values
    states, own_level = [], own_levels(result)
    whole = found_whole(result) or 1.0
    wanted = [1, *(int(k) for k in np.sort(result["level"].values) if k > 1)]
    for level, (component, place) in component_tables(result["merge_tree"].values, weight, wanted, own_level).items():
        member = component == np.arange(level)[:, None]
        dealt = [colors[p] for p in place]
        kept = [shown_by.get(row.tobytes(), color) for row, color in zip(member, dealt, strict=True)]
        if {row.tobytes() for row in member} != shown_by.keys():  # no colour twice
            kept = [color if old in dealt else old for color, old in zip(dealt, kept, strict=True)]
        here = [node(row, color) for row, color in zip(member, kept, strict=True)]
        named = [named_by.get(row.tobytes(), f"component {i}") for i, row in enumerate(member)]
        sure = _means(member, *sums[level]) if level in sums else [whole if level == 1 else np.nan] * level
        states.append(State(level, here, named, sure))
    member = np.stack([row for row, _ in found])
    return Levels(member, member @ result["micro_size"].values, [color for _, color in found], states, own)


def _plain(name: str) -> bool:
    return name.startswith("component ")


def own_parts(result: xr.Dataset) -> np.ndarray:
    """The component of each part of a result as it is, (part,) int: micro-clusters with a tree, else the components."""
    if "merge_tree" not in result or not result.sizes.get("level", 0):
        return np.arange(n_components(result))
    if "micro_component" in result:
        return result["micro_component"].values.astype(int)
    weight = result["micro_weight" if "micro_weight" in result else "micro_size"].values
    return component_table(result["merge_tree"].values, weight, n_components(result))[0]


def part_labels(result: xr.Dataset, side: int) -> np.ndarray:
    """The part of each point of a map of at most `side` points a side, (y, x) int, -1 = no data.

    Where the map is made smaller: of the most frequent component of a block, its most frequent part, so that the map is the
    majority at the level of the result, and nested at all levels.
    """
    if "merge_tree" not in result or "micro_labels" not in result or not result.sizes.get("level", 0):
        return small_map(result, "labels", side)
    shape = result["labels"].shape
    if is_large(shape):
        return small_map(result, "micro_labels", side).astype(np.int32)
    micro = np.asarray(result["micro_labels"]).astype(np.int32)
    step = step_for(shape, side)
    return micro if step == 1 else nested_majority(np.asarray(result["labels"]), micro, step)


def confidence_sums(result: xr.Dataset, n: int) -> Sums:
    """{level: (sum of confidence, number of pixels) of each part}; level 0 is the confidence of the result as it is.

    A large map is walked over once, and nothing of it is held whole; the same bits whatever is held at once.
    """
    if "confidence" not in result:
        return {0: (np.zeros(n), np.zeros(n))}
    tree = "merge_tree" in result and result.sizes.get("level", 0)
    maps = [result["micro_labels" if tree else "labels"], result["confidence"]]
    levels = [int(level) for level in result["level"].values] if tree and "level_confidence" in result else []
    found = {level: LabelSums(n) for level in (0, *levels)}
    for piece in walk(*maps, *(result["level_confidence"][i] for i in range(len(levels))), scratch=SCRATCH):
        labels, *values = piece.values
        for sums, one in zip(found.values(), values, strict=True):
            sums.add(one, labels)
    return {level: (one.sums / (255 if level else 1), one.sizes.astype(np.float64)) for level, one in found.items()}


def _means(member: np.ndarray, total: np.ndarray, count: np.ndarray) -> list[float]:
    n = member @ count
    return [float(v) for v in np.where(n > 0, member @ total / np.maximum(n, 1), np.nan)]


def node_result(result: xr.Dataset, levels: Levels) -> xr.Dataset:
    """A result whose components are the nodes, in their order, for figures that show and hide them. Needs component_spectra.

    Bands of feasible spectra and all else of the components stay only where the nodes are the components.
    """
    if not levels.states:
        return result
    mean, spread = (result[f"micro_{name}"].values for name in ("spectra", "spread"))
    component = np.zeros((len(levels.member), mean.shape[1])), np.zeros((len(levels.member), mean.shape[1]))
    for node, member in enumerate(levels.member):
        one = merge_moments(
            mean[member], spread[member], result["micro_size"].values[member], np.zeros(member.sum(), int)
        )
        component[0][node], component[1][node] = one[0][0], one[1][0]
    blank = np.where(levels.sizes[:, None] > 0, 1.0, np.nan)
    attrs: Mapping[Any, Any] = result["component_spectra"].attrs
    return xr.Dataset(
        {
            "labels": result["labels"],
            "component_spectra": (("component", "channel"), component[0] * blank, attrs),
            "component_spread": (("component", "channel"), component[1] * blank),
            "component_size": ("component", levels.sizes),
            "component_color": ("component", np.arange(len(levels.sizes))),
        },
        {"channel": result["channel"]},
        result.attrs,
    )


def level_maps(result: xr.Dataset, side: int) -> np.ndarray:
    """Confidence at each level in per cent, rounded down, (level, y, x) uint8, 255 = no data; small maps, level by level.

    uint8 of a result is rounded, so half a step is taken off before: no map says more than was measured.
    """
    if is_large(result["labels"].shape):
        maps = (small_map(result, "level_confidence", side) - np.float32(0.5)) / np.float32(255)
        return np.stack([percent_map(one, side) for one in maps])
    data, found = np.asarray(result["labels"]) >= 0, []
    for i in range(result.sizes["level"]):
        values = np.where(data, (np.asarray(result["level_confidence"][i], np.float32) - 0.5) / 255, np.nan)
        found.append(percent_map(values, side))
    return np.stack(found)


def percent_map(confidence: np.ndarray, side: int) -> np.ndarray:
    """A map of confidence 0..1 in per cent, rounded down: (y, x) -> smaller uint8, 255 = no data."""
    mean = reduce_mean(confidence, side)
    known = np.isfinite(mean)
    held = np.floor(np.clip(np.nan_to_num(mean), 0, 1) * 100 + 1e-4)
    return np.where(known, held, NO_DATA).astype(np.uint8)
