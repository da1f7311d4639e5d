"""The convention of a result: an xarray.Dataset beside the cube. Functions, no class of ours.

    labels (y, x)                        int32, -1 = no data; components in canonical order (largest first)
    confidence (y, x)                    float32 in 0..1, see `is_probability`; NaN = no data
    component_spectra, component_spread  (component, channel): mean and standard deviation, in the units of the cube
    component_size, component_color      (component): pixels; place in the palette, kept from level to level
    component_paint                      (component): a colour given by hand, 0xRRGGBB as a number, -1 where none was
    component_background                 (component): whether it was marked as background by hand: grey, no part of the shares

Unmixing has these, and labels are the largest abundance:

    abundances (y, x, component)         float32, how much of each component; nan = no data
    presence (y, x, component)           float32, probability that a component is in a pixel, of a library
    abundance_error (y, x, component)    float32, standard error of the abundances
    component_limit (component)          abundance that is told from none in 19 of 20 spectra, with a false alarm in one of 20
    component_ambiguity (component)      part of the whole signal that a component can take more or less, with as good a fit
    component_low, component_high        (component, channel): band of feasible solutions, for few components
    residual (y, x)                      float32, norm of what the components leave over the norm of the spectrum

What a person needs to choose another number of components without fitting again:

    micro_labels (y, x)                  the finest parts, of which components are merged
    micro_spectra, micro_spread, micro_size
    micro_component (micro)              the component of each part
    micro_weight (micro)                 spectra of each part in the sample of the fit: they decide the order and the colours
                                         of components at every level, so that these are the same on every cube
    micro_mistaken (micro, again)        of spectra of one part, measured again, how many fall into another (see presence)
    merge_tree (merge, 4)                as scipy.cluster.hierarchy.linkage: left, right, height, number of micro-clusters
    level (level)                        the numbers of components that can be cut
    level_component (level, micro)       the component of each part at each level, where levels need not be a cut of the tree
    level_confidence (level, y, x)       uint8, confidence x 255 at each level
    evidence (criterion, level)          what speaks for each number; attrs `votes`, `sentence`, `probability`
    unlike (y, x)                        uint8: 100 = as far from the model as the farthest 0.1 % of what was fitted
    scaling_score (scaling)              only if the scaling was chosen: silhouette of each candidate; attrs `sentence`

What a report needs when the cube is far away:

    picture (y, x, rgb)                  uint8 false-colour picture; attrs `caption`
    picture_wide (y, x, rgb)             uint8, only where `picture` is burnt out: 255 asinh(soft t) / asinh(soft top), t = 1
                                         where `picture` ends; attrs `soft`, `top` of each colour
    truth_labels (y, x)                  if a truth was given
    line_maps (line, y, x)               float32, net counts or flux of lines (coordinate `line`: "Fe Kα", "Hα"), see
                                         spaxel.results.line_maps; attrs `units`, `sentence`
    line_position (line)                 where each line is, in units of the axis
    attrs                                method, n_components, sentence (why so many), advice (what to try, if it looks
                                         wrong), and the cube's source, history, steps, guesses, origin, georeference, redshift

Attributes are numbers, text and lists of them, so that `to_netcdf` takes them; `steps` and `votes` are JSON text.

What a search for small targets adds (spaxel.find_rare, --rare), candidates from the rarest on, the first one number 1:

    rarity (y, x)                        float32, -log10 of the chance that the scene makes a pixel as rare; NaN = no data
    rare_labels (y, x)                   int32, the number of the candidate that a pixel belongs to, 0 = none
    rare_position (rare, yx)             row and column of the rarest pixel of each
    rare_size, rare_detector (rare)      pixels; which detector says so: 0 surroundings, 1 scene, 2 mixtures
    rare_expected (rare)                 false candidates as rare as this one that the scene alone makes
    rare_left (rare)                     after unmixing: |x - mixture| / |x|, what the components leave of its spectrum
    rare_spectra, rare_spread, rare_around (rare, channel)  mean and standard deviation, and the mean of what lies around

What a calibration adds (spaxel.calibrate, --calibrate):

    known, left_out (y, x)               known values, nan elsewhere; what a sample is said to hold without its own
    predicted, predicted_error (y, x)    float32, value by the abundances, and its standard error; attrs `sentence`, offset …
    calibration_slope (component)        value = offset + abundances @ slopes

What a method with an autoencoder adds for its pictures:

    latents (y, x, latent)               float32, at most the first 16 latents; nan = no data
    latent_centers (micro, latent)       where the parts lie among them
    micro_decoded (micro, channel)       mean of what is decoded from the latents of each part, in the units of the cube
    decoded_picture (y, x, rgb)          uint8, the decoded cube in the colours of `picture`

Spectra of a list that have names in their table keep them: text coordinates `sample (y)` and `group (y)`.

Components that people named have a text coordinate `component`; the others are called "component 3" in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube.stored import by_block, is_lazy
from spaxel.errors import CubeError, printable
from spaxel.results.amounts import amounts
from spaxel.results.numbers import label_counts

_DIMS = {
    "labels": ("y", "x"),
    "confidence": ("y", "x"),
    "component_spectra": ("component", "channel"),
    "component_spread": ("component", "channel"),
    "component_low": ("component", "channel"),
    "component_high": ("component", "channel"),
    "component_limit": ("component",),
    "component_ambiguity": ("component",),
    "component_size": ("component",),
    "component_color": ("component",),
    "component_paint": ("component",),
    "component_background": ("component",),
    "abundances": ("y", "x", "component"),
    "presence": ("y", "x", "component"),
    "abundance_error": ("y", "x", "component"),
    "residual": ("y", "x"),
    "known": ("y", "x"),
    "left_out": ("y", "x"),
    "predicted": ("y", "x"),
    "predicted_error": ("y", "x"),
    "calibration_slope": ("component",),
    "micro_labels": ("y", "x"),
    "micro_spectra": ("micro", "channel"),
    "micro_spread": ("micro", "channel"),
    "micro_size": ("micro",),
    "micro_component": ("micro",),
    "micro_weight": ("micro",),
    "micro_mistaken": ("micro", "again"),
    "unlike": ("y", "x"),
    "merge_tree": ("merge", "node"),
    "level_component": ("level", "micro"),
    "level_confidence": ("level", "y", "x"),
    "evidence": ("criterion", "level"),
    "scaling_score": ("scaling",),
    "picture": ("y", "x", "rgb"),
    "picture_wide": ("y", "x", "rgb"),
    "truth_labels": ("y", "x"),
    "line_maps": ("line", "y", "x"),
    "line_position": ("line",),
    "latents": ("y", "x", "latent"),
    "latent_centers": ("micro", "latent"),
    "micro_decoded": ("micro", "channel"),
    "decoded_picture": ("y", "x", "rgb"),
    "rarity": ("y", "x"),
    "rare_labels": ("y", "x"),
    "rare_position": ("rare", "yx"),
    "rare_size": ("rare",),
    "rare_detector": ("rare",),
    "rare_expected": ("rare",),
    "rare_left": ("rare",),
    "rare_spectra": ("rare", "channel"),
    "rare_spread": ("rare", "channel"),
    "rare_around": ("rare", "channel"),
}
MEANS = "means"  # attribute of confidence
PROBABILITY = (
    "The probability that a pixel has the right component: "
    "of pixels said 0.9 about nine in ten were right on simulated scenes "
    "(k-means and consensus, and more for dgc; dsc and learned are too sure of some scenes)."
)
OTHER_NUMBERS = (
    " It is lower where other numbers of components, as far as they are probable, give pixels to another one."
)
SPECTRA_NAMES = ("sample", "group")  # text coordinates along y of a list of spectra
_CARRIED = (
    *("source", "history", "steps", "guesses", "origin", "wcs_header", "crs", "transform", "pixel_size", "pixel_units"),
    *("map_info", "pixel_origin", "maps", "instrument", "redshift"),
)


def is_probability(result: xr.Dataset) -> bool:
    """Whether confidence is a probability of being right; else (unmixing, runs of older versions) a margin of 0 to 1."""
    return "confidence" in result and MEANS in result["confidence"].attrs


def hears_numbers(result: xr.Dataset) -> bool:
    """Whether confidence is lower for what other numbers of components would give to another one: of fits that found it."""
    return "confidence" in result and str(result["confidence"].attrs.get(MEANS, "")).endswith(OTHER_NUMBERS)


def found_whole(result: xr.Dataset) -> float | None:
    """How probable one component is, where a fit found nothing to divide; None where it divided, or was told the number."""
    said: Sequence[float] = result["evidence"].attrs.get("probability", ()) if "evidence" in result else ()
    before = result.attrs.get("uncut_component")  # of a cut
    number = result.sizes.get("component", 0) if before is None else max(before) + 1
    return float(said[0]) if number == 1 and len(said) else None


def make_result(cube: xr.Dataset, *, coords: dict[str, Any] | None = None, **arrays: Any) -> xr.Dataset:
    """A result for this cube, checked.

    arrays : by the names of the module's table; `labels` is needed      coords : level, criterion, scaling
    Carries the cube's channel axis, its attributes, its truth labels, and the names and groups of its spectra.
    Raises CubeError for a name that the convention does not know or a shape that does not fit.
    """
    if unknown := set(arrays) - set(_DIMS):
        raise CubeError(f"A result has no {', '.join(sorted(unknown))}. Known: {', '.join(_DIMS)}.")
    if "truth_labels" in cube and "truth_labels" not in arrays:
        arrays["truth_labels"] = (
            cube["truth_labels"].data if is_lazy(arrays.get("labels")) else np.asarray(cube["truth_labels"])
        )
    result = xr.Dataset(
        {name: (_DIMS[name], value) for name, value in arrays.items() if value is not None},
        coords={"channel": cube["channel"], **spectra_names(cube), **(coords or {})},
        attrs={key: _plain(cube.attrs[key]) for key in _CARRIED if key in cube.attrs},
    )
    return check_result(result)


def spectra_names(data: xr.Dataset) -> dict[str, tuple[str, list[str]]]:
    """The coordinates `sample` and `group` along y of a cube or a result, as many as it has."""
    found = [name for name in SPECTRA_NAMES if name in data.coords and data[name].dims == ("y",)]
    return {name: ("y", [str(value) for value in data[name].values]) for name in found}


def _plain(value: Any) -> Any:
    """An attribute as netCDF holds it: what is a mapping, holds one, or is nothing becomes JSON text."""
    within = value if isinstance(value, (list, tuple)) else [value]
    return json.dumps(value) if any(one is None or isinstance(one, (dict, list, tuple)) for one in within) else value


def sentences(attrs: Mapping[Any, Any], name: str) -> list[str]:
    """An attribute that is a list of sentences (history, guesses, notes, by_hand); netCDF makes text of a list of one."""
    value = attrs.get(name, [])
    return [value] if isinstance(value, str) else [str(sentence) for sentence in value]


def check_result(result: Any) -> xr.Dataset:
    """The result itself, if it keeps the convention. Raises CubeError that says what is wrong."""
    if not isinstance(result, xr.Dataset) or "labels" not in result:
        raise CubeError(f"Expected a result (a Dataset with `labels`), got {type(result).__name__}. Try model.predict.")
    for name, dims in _DIMS.items():
        if name in result and result[name].dims != dims:
            raise CubeError(f"{name} has dims {result[name].dims}, expected {dims}.")
    if result["labels"].dtype.kind != "i":
        raise CubeError(f"labels has dtype {result['labels'].dtype}, expected int32 with -1 for no data.")
    return result


def canonical_order(sizes: np.ndarray) -> np.ndarray:
    """Order of components, largest first; equal sizes keep their order. sizes : (component,) -> (component,) indices."""
    return np.argsort(-np.asarray(sizes), kind="stable")


def relabel(labels: np.ndarray, new_of_old: np.ndarray) -> np.ndarray:
    """Labels through a table, with -1 (no data) left alone. labels : any shape int; new_of_old : (n_old,) int."""
    table = np.append(np.asarray(new_of_old), -1).astype(np.int32)
    return by_block(lambda block: table[block], labels, dtype=np.int32) if is_lazy(labels) else table[labels]


def component_names(result: xr.Dataset) -> list[str]:
    """Names of the components: the coordinate `component` where it holds text, else 'component 0', as in the labels.

    Names come from people and files: characters that steer a terminal or turn the direction of text are shown as codes.
    """
    if "component" in result.coords and result["component"].dtype.kind in "UO":
        return [printable(str(name)) for name in result["component"].values]
    sizes = result.sizes
    n = sizes["component"] if "component" in sizes else len(label_counts(result["labels"]))
    return [f"component {i}" for i in range(n)]


def given_names(result: xr.Dataset) -> list[str]:
    """The names that people gave to components, "" where nobody did."""
    return ["" if name == f"component {i}" else name for i, name in enumerate(component_names(result))]


def with_names(result: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """The same result with these names of its components, "" for none; without any, no coordinate `component`."""
    if not any(names):
        return result.drop_vars("component", errors="ignore")
    return result.assign_coords(component=[name or f"component {i}" for i, name in enumerate(names)])


def is_background(result: xr.Dataset) -> np.ndarray:
    """Which components were marked as background by hand, (component,) bool."""
    if "component_background" in result:
        return np.asarray(result["component_background"]).astype(bool)
    return np.zeros(len(component_names(result)), bool)


def shares(result: xr.Dataset) -> np.ndarray:
    """How much of the image each component is, (component,) float: 1 in all, background left out and itself nan.

    Of labels: its pixels among those with a label. Of abundances: the mean of what it gives to the sum in each pixel.
    All nan where nothing but background is left.
    """
    part, kept = _parts(result), ~is_background(result)
    whole = part[kept].sum()
    return np.where(kept, part / whole if whole > 0 else np.nan, np.nan)


def _parts(result: xr.Dataset) -> np.ndarray:
    """What each component is of the whole, background and all, in any unit, (component,)."""
    if "abundances" not in result:
        if "component_size" in result:
            return np.asarray(result["component_size"]).astype(float)
        return label_counts(result["labels"], len(component_names(result))).astype(float)
    found = amounts(result)
    return found.share if found.pixels else np.zeros(len(found.share))
