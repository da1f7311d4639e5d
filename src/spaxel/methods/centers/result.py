"""From maps and sums of a fitted model to a result: canonical components, spectra with spread, evidence, picture."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.cube.exact import Grid, group_moments
from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import SOFT, Recipe, caption
from spaxel.methods.completing import with_gaps_said
from spaxel.methods.state import SegmentingInfo, unpack
from spaxel.results.advice import try_next
from spaxel.results.convention import MEANS, OTHER_NUMBERS, PROBABILITY, make_result, relabel
from spaxel.results.cut import merge_moments


def nearest_result(cube: xr.Dataset, state: Arrays, info: SegmentingInfo, maps: Arrays, sums: Arrays) -> xr.Dataset:
    """The result of a model of centres on one cube.

    maps : micro and confidence; picture, level_confidence, unlike where they were made
    sums : size, sum, square of each micro-cluster
    Components keep the numbers of the model, so that a label means the same on every cube; a component that this cube
    lacks has size 0 and no spectrum (nan).
    """
    component = state["component"]
    at_levels = maps.get("level_confidence") if len(state["levels"]) else None
    sums = _no_sums(len(state["centers"]), cube.sizes["channel"]) | sums
    mean, spread = group_moments(sums, unpack(Grid, state, "grid_"))
    size = sums["size"].astype(np.int64)
    spectra, widths = merge_moments(mean, spread, size, component)
    component_size = np.bincount(component, weights=size, minlength=len(state["color"])).astype(np.int64)
    levels = state["levels"]
    evidence, scores = _evidence(state, info, levels)
    result = make_result(
        with_gaps_said(_noted(cube, info), sums),
        coords={"level": levels, **evidence.pop("coords", {}), **scores.pop("coords", {})},
        labels=relabel(maps["micro"], component),
        confidence=maps["confidence"],
        component_spectra=_blank(spectra, component_size),
        component_spread=_blank(widths, component_size),
        component_size=component_size,
        component_color=state["color"],
        micro_labels=maps["micro"].astype(np.int16),
        micro_spectra=mean,
        micro_spread=spread,
        micro_size=size,
        micro_component=component.astype(np.int32),
        micro_weight=state["micro_size"],
        micro_mistaken=state.get("mistaken"),
        unlike=maps.get("unlike"),
        merge_tree=state["tree"],
        level_component=state.get("level_component"),
        level_confidence=None if at_levels is None else np.moveaxis(at_levels, 2, 0),
        picture=maps.get("picture"),
        picture_wide=maps.get("picture_wide"),
        **evidence,
        **scores,
    )
    return _described(result, cube, state, info)


def _noted(cube: xr.Dataset, info: SegmentingInfo) -> xr.Dataset:
    """The cube, with what the model says of its scaling, of odd spectra and of the noise that it knows."""
    cube = note(cube, info["scaling_sentence"])
    if n := info.get("odd", 0):
        cube = note(
            cube,
            f"Components were found without {n} {'spectrum' if n == 1 else 'spectra'} of the sample, unlike all others "
            "(a spike, a dead pixel?). Option rare lists such pixels.",
        )
    return note(cube, info["known_noise"]["sentence"]) if "known_noise" in info else cube


def _no_sums(n_micro: int, channels: int) -> Arrays:
    """Those of a cube without any data."""
    return {"size": np.zeros(n_micro), **dict.fromkeys(("sum", "square"), np.zeros((n_micro, channels)))}


def _described(result: xr.Dataset, cube: xr.Dataset, state: Arrays, info: SegmentingInfo) -> xr.Dataset:
    """The result with units, captions, and what the fit says of itself."""
    if "sure_weights" in state:
        result["confidence"].attrs = {MEANS: PROBABILITY + (OTHER_NUMBERS if "sure_held" in state else "")}
    if "unlike" in result:
        result["unlike"].attrs = {"seen": state["familiar_seen"].tolist()}
    if "evidence" in result:
        result["evidence"].attrs = {"votes": json.dumps(info["votes"]), "sentence": info["sentence"]}
        if "probability" in info:
            result["evidence"].attrs |= {"probability": info["probability"], "between": info["between"]}
        if "doubts" in info:
            result["evidence"].attrs["doubts"] = json.dumps(info["doubts"])
    if "scaling_score" in result:
        result["scaling_score"].attrs = {"sentence": info["scaling_sentence"], "chosen": info["scaling"]}
    units = cube["spectra"].attrs.get("units") or ("counts" if info["counts"] else "")
    for name in ("component_spectra", "component_spread"):
        result[name].attrs = {"units": units} if units else {}
    recipe = unpack(Recipe, state, "picture_")
    if "picture" in result:
        result["picture"].attrs = {"caption": caption(recipe, state["channel"], info["units"])}
    if "picture_wide" in result:
        result["picture_wide"].attrs = {"top": np.asarray(recipe.top).tolist(), "soft": SOFT}
    told = {"method": info["method"], "n_components": info["n_components"], "sentence": info["sentence"]}
    result = result.assign_attrs(told)
    return result.assign_attrs(advice=try_next(result))


def _blank(spectra: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.where(size[:, None] > 0, spectra, np.nan)


def _evidence(state: Arrays, info: SegmentingInfo, levels: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    names = list(info["votes"])
    curves = [state[f"evidence_{name}"] for name in names]
    evidence = {"evidence": np.stack(curves), "coords": {"criterion": names}} if names and len(levels) else {}
    scores = info["scaling_scores"]
    return evidence, {"scaling_score": list(scores.values()), "coords": {"scaling": list(scores)}} if scores else {}
