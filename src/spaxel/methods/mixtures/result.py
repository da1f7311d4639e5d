"""From maps of abundances to a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import SOFT, Recipe, caption
from spaxel.cube.stored import blocks, by_block
from spaxel.linear.abundance_errors import detection_limits
from spaxel.methods.completing import with_gaps_said
from spaxel.methods.state import unpack
from spaxel.results.convention import make_result

MOST = 50_000  # spectra from which limits of detection are told


def mixture_result(cube: xr.Dataset, state: Arrays, info: dict[str, Any], maps: Arrays, sums: Arrays) -> xr.Dataset:
    """The result of unmixing one cube.

    maps : abundances (y, x, component), residual, picture; sums : why pixels are no data (see spaxel.cube.mapping)

    The label of a pixel is its largest abundance (-1 where presence is asked for and nothing is present), its confidence
    the margin of the largest over the second, in shares.
    """
    cube = note(cube, info["known_noise"]["sentence"]) if "known_noise" in info else cube
    abundances = maps["abundances"]
    components = state["components"]
    largest = _largest_present if "presence" in maps else _largest
    labels = by_block(largest, abundances, dtype=np.int32)
    size = np.zeros(len(components), np.int64)
    for _, (found,) in blocks(labels):
        size += np.bincount(found[found >= 0], minlength=len(components))
    result = make_result(
        with_gaps_said(note(cube, f"unmixed into {len(components)} components ({info['kind']})"), sums),
        labels=labels,
        confidence=by_block(_margin, abundances, dtype=np.float32),
        component_spectra=components,
        component_low=state.get("bands_lower"),
        component_high=state.get("bands_upper"),
        component_limit=_limits(abundances, maps.get("abundance_error")),
        component_ambiguity=(info.get("bands") or {}).get("ambiguity") if "abundance_error" in maps else None,
        component_size=size,
        component_color=np.arange(len(components)),
        abundances=abundances,
        presence=maps.get("presence"),
        abundance_error=maps.get("abundance_error"),
        residual=maps["residual"],
        picture=maps["picture"],
        picture_wide=maps.get("picture_wide"),
    )
    recipe = unpack(Recipe, state, "picture_")
    result["picture"].attrs = {"caption": caption(recipe, state["channel"], info["units"])}
    if "picture_wide" in result:
        result["picture_wide"].attrs = {"top": np.asarray(recipe.top).tolist(), "soft": SOFT}
    attrs = {"method": info["method"], "n_components": info["n_components"], "sentence": info["sentence"]}
    return result.assign_attrs(**attrs, notes=info["warnings"])


def _limits(abundances: np.ndarray, errors: np.ndarray | None) -> np.ndarray | None:
    """Limits of detection (component,), where errors are known; of many spectra, from every second or third … row."""
    if errors is None:
        return None
    height, width, k = abundances.shape
    step = -(-height // max(1, MOST // width))
    c, error = (np.asarray(part[::step], np.float64).reshape(-1, k) for part in (abundances, errors))
    return detection_limits(c, error)


def _shares(abundances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each component gives to a pixel, in all 1, and which pixels hold data."""
    held = np.isfinite(abundances).all(-1)
    shares = np.where(held[..., None], abundances, 0)
    return shares / np.maximum(shares.sum(-1, keepdims=True), 1e-30), held


def _largest(abundances: np.ndarray) -> np.ndarray:
    shares, held = _shares(abundances)
    return np.where(held, shares.argmax(-1), -1).astype(np.int32)


def _largest_present(abundances: np.ndarray) -> np.ndarray:
    """The same, -1 also where no component has any abundance."""
    return np.where((abundances > 0).any(-1), _largest(abundances), -1).astype(np.int32)


def _margin(abundances: np.ndarray) -> np.ndarray:
    """Of the largest share over the second."""
    shares, held = _shares(abundances)
    ordered = np.sort(shares, axis=-1)
    margin = ordered[..., -1] - (ordered[..., -2] if shares.shape[-1] > 1 else 0)
    return np.where(held, margin, np.nan).astype(np.float32)
