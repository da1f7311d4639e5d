"""A result with other components, made of its micro-clusters: labels, spectra, confidence. What `cut` does with pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.stored import by_block
from spaxel.results.changes import NO_PAINT
from spaxel.results.convention import found_whole, relabel, with_names
from spaxel.results.parts import Components, alike, grouping_at, own_levels


def regrouped(result: xr.Dataset, now: Components, words: Sequence[str]) -> xr.Dataset:
    """The result with these components. words : what was done by hand, in sentences, for attrs `by_hand` and `sentence`

    Maps that lie on the disk are made anew block by block, when they are read. One without a tree keeps its components; only
    what people said of them is new.
    """
    if "merge_tree" not in result:
        return with_words(result, now).assign_attrs(by_hand=list(words))
    component, k = now.component, len(now.color)
    new = without_maps(result, now).assign(
        labels=(("y", "x"), relabel(result["micro_labels"].data, component)),
        confidence=(("y", "x"), _confidence_at(result, component, int(now.level)), _means(result)),
    )
    why = str(result.attrs.get("sentence_of_fit", result.attrs.get("sentence", "")))
    attrs = {"n_components": k, "level": int(now.level), "by_hand": list(words), "sentence_of_fit": why}
    attrs |= _before(result)
    said = " ".join([*words, f"The fit said: {why}" if words and why else why]).strip()
    return new.assign_attrs(attrs | {"sentence": said})


def regrouped_lazily(result: xr.Dataset, now: Components, words: Sequence[str]) -> xr.Dataset:
    """As `regrouped`, for a result too large to hold: labels are made when they are read, and there is no confidence."""
    labels = xr.apply_ufunc(relabel, result["micro_labels"], kwargs={"new_of_old": now.component}, dask="parallelized",
                            output_dtypes=[np.int32])  # fmt: skip
    kept = {"n_components": len(now.color), "level": int(now.level), "by_hand": list(words)}
    return without_maps(result, now).drop_vars("confidence", errors="ignore").assign(labels=labels).assign_attrs(kept)


def without_maps(result: xr.Dataset, now: Components) -> xr.Dataset:
    """The result with spectra, sizes and names of these components; labels and confidence are still those of the old ones."""
    component, k, sizes = now.component, len(now.color), result["micro_size"].values
    spectra, spread = merge_moments(result["micro_spectra"].values, result["micro_spread"].values, sizes, component, k)
    size = np.bincount(component, weights=sizes, minlength=k).astype(np.int64)
    spectra, spread = (np.where(size[:, None] > 0, values, np.nan) for values in (spectra, spread))
    new = result.drop_dims("component").assign(
        component_spectra=(("component", "channel"), spectra, result["component_spectra"].attrs),
        component_spread=(("component", "channel"), spread, result["component_spread"].attrs),
        component_size=("component", size),
        component_color=("component", now.color),
        micro_component=("micro", component.astype(np.int32)),
    )
    new.attrs = {name: value for name, value in new.attrs.items() if name != "advice"}  # it was of the old ones
    return with_words(new, now)


def _before(result: xr.Dataset) -> dict[str, list[int]]:
    """The components that nobody has cut yet, and their places in the palette: colours are dealt for their map at every level.

    Kept from cut to cut as the attributes `uncut_component` (micro) and `uncut_color` (component).
    """
    if "uncut_component" in result.attrs or "micro_component" not in result or "component_color" not in result:
        return {}
    return {
        "uncut_component": result["micro_component"].values.tolist(),
        "uncut_color": result["component_color"].values.tolist(),
    }


def pooled(results: Sequence[xr.Dataset], now: Components) -> xr.Dataset:
    """These components of all the results of one model together, without maps: sizes, and what people said of them."""
    first = results[0]
    if "merge_tree" not in first:
        size = np.sum([result["component_size"].values for result in results], axis=0)
        return with_words(first.drop_dims(["y", "x"]).assign(component_size=("component", size)), now)
    sizes = np.sum([result["micro_size"].values for result in results], axis=0)
    size = np.bincount(now.component, weights=sizes, minlength=len(now.color)).astype(np.int64)
    arrays = {"component_size": ("component", size), "component_color": ("component", now.color)}
    return with_words(xr.Dataset(arrays), now)


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


def _means(result: xr.Dataset) -> dict[str, str]:
    """The attributes of the confidence."""
    return dict(result["confidence"].attrs) if "confidence" in result else {}


def _confidence_at(result: xr.Dataset, component: np.ndarray, start: int) -> Any:
    """Confidence of components that are made of these micro-clusters, from that of the levels. component : (m,)

    start : the level that was changed by hand

    Components that are a level of the tree have the confidence of that level. Of others, which were merged by hand, each
    part takes the coarsest level at which all that is merged with it belongs to its component: about a lower bound, because
    the nearest other component may be farther still.
    """
    labels, single = result["labels"].data, component.max() == 0
    if single or "level_confidence" not in result:
        sure = np.float32((found_whole(result) or 1) if single else np.nan)
        return by_block(lambda own: np.where(own >= 0, sure, np.float32(np.nan)), labels, dtype=np.float32)
    tree, own = result["merge_tree"].values, own_levels(result)
    groupings = {int(level): grouping_at(tree, own, int(level)) for level in result["level"].values}
    best = _coarsest(groupings, component, start, nested=not own)
    used = np.unique(best)
    held = [result["level_confidence"].sel(level=level).data for level in used]

    def of_block(own: np.ndarray, micro: np.ndarray, *sure: np.ndarray) -> np.ndarray:
        found, data = np.full(own.shape, np.float32(np.nan)), own >= 0
        for level, values in zip(used, sure, strict=True):
            here = data & np.append(best == level, False)[micro]
            found[here] = values[here].astype(np.float32) / 255
        return found

    return by_block(of_block, labels, result["micro_labels"].data, *held, dtype=np.float32)


def _coarsest(groupings: dict[int, np.ndarray], component: np.ndarray, start: int, *, nested: bool) -> np.ndarray:
    """The level whose confidence each part takes: that of the components if they are one, else the coarsest that fits.

    That is the smallest level at which what is together with a part lies in its component, and holds what is together with it
    at finer ones, `start` before all others; the largest level where none does. Levels that are not nested have to hold more.
    """
    number = len(np.unique(component))
    if number in groupings and alike(groupings[number], component):
        return np.full(len(component), number)
    best = np.full(len(component), max(groupings))
    held = np.eye(len(component), dtype=bool)  # what is together with each part so far
    for level in sorted(groupings, key=lambda level: (level != start, -level)):
        together = groupings[level][:, None] == groupings[level]
        fits = ~(together & (component[:, None] != component)).any(1) & ~(held & ~together).any(1)
        fits &= nested | (together & ~held).any(1) | (level == start)
        best[fits], held[fits] = level, together[fits]
    return best


def with_words(result: xr.Dataset, now: Components) -> xr.Dataset:
    """The result with names, colours by hand and backgrounds, each kept only where there is one."""
    result = result.drop_vars(["component_paint", "component_background"], errors="ignore")
    if (now.paint != NO_PAINT).any():
        result = result.assign(component_paint=("component", now.paint.astype(np.int32)))
    if now.background.any():
        result = result.assign(component_background=("component", now.background.astype(bool)))
    return with_names(result, now.names)
