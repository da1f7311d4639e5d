"""Whether the parts of a result fit together: kinds, numbers of components and parts, the tree, what is said of them.

Only what is small is looked at; maps are looked at block by block where they are read, see spaxel.store.guarded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import ReadError
from spaxel.store.records import Attributes, refuse_unless

KINDS = {  # of arrays that are not floating-point numbers
    "labels": "i", "truth_labels": "i", "micro_labels": "i", "component_size": "iu", "component_color": "iu", "level": "iu",
    "component_paint": "i", "component_background": "b", "micro_size": "iu", "micro_component": "iu", "micro_weight": "iuf",
    "level_component": "iu",
    "level_confidence": "u", "unlike": "u", "picture": "u", "picture_wide": "u", "decoded_picture": "u", "channel": "fiu",
    "rare_labels": "i", "rare_position": "i", "rare_size": "i", "rare_detector": "i", "rarity": "f", "rare_expected": "f",
    "rare_left": "f",
}  # fmt: skip
LENGTHS = {"rgb": 3, "node": 4, "yx": 2}
NONE_BELOW = (
    *("component_size", "component_color", "micro_size", "micro_component", "micro_weight"),
    *("rare_size", "rare_position"),
)
JSON_TEXT = ("steps", "votes", "doubts")
NEEDS = {  # array -> what it is nothing without
    "component_spectra": "component_size", "component_spread": "component_spectra", "micro_spread": "micro_spectra",
    "component_low": "component_high", "component_high": "component_low", "micro_labels": "merge_tree",
    "merge_tree": "micro_component", "micro_component": "micro_size", "micro_size": "micro_labels",
    "micro_spectra": "component_spread",
    "micro_weight": "micro_size", "level_component": "merge_tree",
    "level_confidence": "level", "evidence": "level", "abundances": "residual",
    "presence": "abundance_error", "abundance_error": "abundances",
    "line_maps": "line_position", "picture_wide": "picture", "decoded_picture": "picture", "latents": "latent_centers",
    **dict.fromkeys(("rare_labels", "rare_size", "rare_detector", "rare_expected", "rare_spectra"), "rare_position"),
    "rare_left": "rare_position", "component_limit": "abundance_error", "component_ambiguity": "abundance_error",
    "rare_position": "rarity", "rarity": "rare_labels", "rare_around": "rare_spectra", "rare_spread": "rare_spectra",
}  # fmt: skip


def consistent(result: xr.Dataset, folder: Path) -> xr.Dataset:
    """The result itself. Raises ReadError that says which part of the folder does not fit the others."""
    for name, held in result.variables.items():
        kind = KINDS.get(str(name), "fiu" if name in result.data_vars else "")
        if kind and held.dtype.kind not in kind:
            raise _damaged(folder, name, f"it holds {held.dtype}")
    axis = result["channel"] if "channel" in result.coords else None
    if axis is None or axis.dims != ("channel",) or not np.isfinite(axis.values).all():
        raise _damaged(folder, "channel", "it is no axis of finite numbers")
    for name, length in LENGTHS.items():
        if result.sizes.get(name, length) != length:
            raise _damaged(folder, name, f"there are {result.sizes[name]}, not {length}")
    for name in NONE_BELOW:
        if name in result and (result[name].values < 0).any():
            raise _damaged(folder, name, "it holds negative numbers")
    for name, needed in NEEDS.items():
        if name in result and needed not in result:
            raise _damaged(folder, needed, f"it is missing, and {name} needs it")
    _check_parts(result, folder)
    for name, attributes in (("", result.attrs), *((n, v.attrs) for n, v in result.variables.items())):
        _check_said(folder / str(name), attributes)
    return result


def _check_parts(result: xr.Dataset, folder: Path) -> None:
    """The finest parts, the tree over them, and the levels at which it can be cut."""
    m = result.sizes.get("micro", 0)
    if not m:
        return
    if "merge_tree" not in result:
        raise _damaged(folder, "merge_tree", "it is missing")
    if (result["micro_component"].values >= result.sizes["component"]).any():
        raise _damaged(folder, "micro_component", "it names components that are not there")
    if not is_tree(result["merge_tree"].values, m):
        raise _damaged(folder, "merge_tree", f"it is no tree over {m} parts")
    levels = result["level"].values if "level" in result else np.zeros(0, int)
    if len(levels) and not (levels[0] >= 1 and levels[-1] <= m and (np.diff(levels) > 0).all()):
        raise _damaged(folder, "level", f"there are no such levels of {m} parts")
    for level, row in zip(
        levels, result["level_component"].values if "level_component" in result else (), strict=False
    ):
        if not np.array_equal(np.unique(row), np.arange(level)):
            raise _damaged(folder, "level_component", f"it holds no {level} components at level {level}")


def is_tree(tree: np.ndarray, m: int) -> bool:
    """Whether a table is a tree of merges over m parts: each part and each merge but the last is merged once, later."""
    if tree.shape != (m - 1, 4) or not np.isfinite(tree).all():
        return False
    merged = tree[:, :2].astype(int)
    later = (merged < m + np.arange(m - 1)[:, None]).all()
    return bool(later) and np.array_equal(np.sort(merged.ravel()), np.arange(2 * (m - 1)))


def _check_said(place: Path, attributes: dict[Any, Any]) -> None:
    refuse_unless(Attributes, dict(attributes), f"{place}", "to make it again")
    for name in JSON_TEXT:
        if isinstance(attributes.get(name), str):
            try:
                json.loads(attributes[name])
            except (ValueError, RecursionError) as error:
                raise ReadError(f"{place} is damaged: {name} is no JSON ({error}). Try to make it again.") from None


def _damaged(folder: Path, name: Any, why: str) -> ReadError:
    return ReadError(f"{folder / str(name)} is damaged: {why}. Try to make the run again.")
