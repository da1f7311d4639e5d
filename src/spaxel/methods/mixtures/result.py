"""From maps of abundances to a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.cube.mapping import Arrays
from spaxel.cube.picture import SOFT, Recipe, caption
from spaxel.methods.completing import with_gaps_said
from spaxel.methods.state import unpack
from spaxel.results.convention import make_result


def mixture_result(cube: xr.Dataset, state: Arrays, info: dict[str, Any], maps: Arrays, sums: Arrays) -> xr.Dataset:
    """The result of unmixing one cube.

    maps : abundances (y, x, component), residual, picture; sums : why pixels are no data (see spaxel.cube.mapping)

    The label of a pixel is its largest abundance, its confidence the margin of the largest over the second, in shares.
    """
    cube = note(cube, info["known_noise"]["sentence"]) if "known_noise" in info else cube
    abundances = maps["abundances"]
    components = state["components"]
    held = np.asarray(np.isfinite(abundances).all(-1))
    shares = np.where(held[..., None], abundances, 0)
    shares = shares / np.maximum(shares.sum(-1, keepdims=True), 1e-30)
    labels = np.where(held, shares.argmax(-1), -1).astype(np.int32)
    ordered = np.sort(shares, axis=-1)
    margin = ordered[..., -1] - (ordered[..., -2] if components.shape[0] > 1 else 0)
    result = make_result(
        with_gaps_said(note(cube, f"unmixed into {len(components)} components ({info['kind']})"), sums),
        labels=labels,
        confidence=np.where(held, margin, np.nan).astype(np.float32),
        component_spectra=components,
        component_low=state.get("bands_lower"),
        component_high=state.get("bands_upper"),
        component_size=np.bincount(labels[held], minlength=len(components)).astype(np.int64),
        component_color=np.arange(len(components)),
        abundances=abundances,
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
