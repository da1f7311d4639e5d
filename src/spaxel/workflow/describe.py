"""What a cube is, and what this installation can do, in words and numbers for a person."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import xarray as xr
from dask.utils import format_bytes

from spaxel import __version__
from spaxel.cube import axis_label, check_cube
from spaxel.cube.completion import fit_completion
from spaxel.cube.computing import alone, cores
from spaxel.cube.mapping import DEFAULT_MEMORY
from spaxel.cube.pixels import pixel_words
from spaxel.cube.sampling import sample_spectra
from spaxel.cube.tiles import grid
from spaxel.cube.whole import completed_sample, whole_numbers
from spaxel.errors import CubeError
from spaxel.preprocess.choice import look_at
from spaxel.preprocess.known_noise import known_noise
from spaxel.preprocess.masks import find_bad_channels
from spaxel.readers import readers
from spaxel.results.convention import spectra_names
from spaxel.workflow.expected import (
    SAMPLE,
    data_memory,
    expected_seconds,
    in_short,
    learning_memory,
    measured,
    unknown_method,
)

LOOKED_AT = 4000
LARGE, PLACES = 2**28, 8  # bytes from which a cube is looked at in so many pieces
PIECE = (8, 64)  # their rows and columns: few rows, since many files keep whole rows together
BASE = 350 * 2**20  # bytes that the program itself takes
EXTRAS = {
    "deep": ("torch", "lightning-fabric"),
    "fits": ("astropy",),
    "formats": ("pyimzML",),
    "geo": ("rasterio",),
    "vendors": ("rosettasciio",),
    "leaf": ("prosail",),
    "distributed": ("distributed",),
}


def describe(cube: xr.Dataset, methods: Sequence[str] = ("consensus",)) -> dict[str, Any]:
    """Shape, axis, chunks, size, valid share, kind of values, memory of a fit, and how long a run takes; a sample is read.

    methods : whose time is said     Raises ParameterError for one that is unknown
    """
    check_cube(cube)
    unknown_method(methods)
    height, width, channels = cube["spectra"].shape
    axis, step = cube["channel"].values, np.diff(cube["channel"].values)
    spectra = cube["spectra"]
    found: dict[str, Any] = {
        "file": cube.attrs.get("source", ""),
        "format": cube.attrs.get("reader", ""),
        "pixels": f"{height} x {width} (y, x), origin {cube.attrs.get('origin', 'upper')}",
        **({"size of a pixel": words} if (words := pixel_words(cube.attrs)) else {}),
        "channels": channels,
        "axis": f"{axis_label(cube)}: {axis[0]:g} to {axis[-1]:g}",
        "step": "one channel" if channels < 2 else _steps(step),
        "values": f"{spectra.dtype}, {format_bytes(spectra.nbytes)} in all",
        "chunks": "in memory" if spectra.chunks is None else " x ".join(str(c[0]) for c in spectra.chunks) + ", lazy",
    }
    found |= _sampled(cube)
    held = [f"{format_bytes(fit_memory(cube, name))} with {name}" for name in methods]
    found["a fit takes"] = f"at most about {', '.join(held)} of memory at --memory 1GiB or less"
    found["a run takes"] = _takes(cube, methods)
    for kind, (_, names) in spectra_names(cube).items():
        some = ", ".join(dict.fromkeys(names[:200]))
        found[f"{kind}s"] = f"{len(set(names))} names: {some[:60]}{' …' if len(some) > 60 else ''}"
    for name in ("truth_labels", "truth_abundances", "truth_spectra", "variance"):
        if name in cube:
            found[name.replace("_", " ")] = " x ".join(map(str, cube[name].shape))
    for word, sentences in (("guess", cube.attrs.get("guesses", [])), ("note", cube.attrs.get("history", []))):
        found |= {f"{word} {i}": sentence for i, sentence in enumerate(sentences, 1)}
    return found


def _takes(cube: xr.Dataset, methods: Sequence[str]) -> str:
    """How long runs take, from a short probe: 'about 20 s with consensus, as busy as this machine is now'."""
    try:
        pace = measured(cube)
    except CubeError:
        return "nothing, as long as no pixel holds data"
    said = [f"{in_short(expected_seconds(cube, name, pace))} with {name}" for name in methods]
    return f"{', '.join(said)}, as busy as this machine is now"


def fit_memory(cube: xr.Dataset, method: str = "consensus") -> int:
    """Bytes that a run takes at most, roughly: the libraries, what it holds of its sample or of tiles, a cube in memory."""
    height, width, channels = cube["spectra"].shape
    sample = min(height * width, SAMPLE.get(method, height * width))
    data = data_memory(DEFAULT_MEMORY, learning_memory(method, sample, channels), cube["spectra"].nbytes)
    return BASE + int(data) + (cube["spectra"].nbytes if cube["spectra"].chunks is None else 0)


def diagnose() -> dict[str, dict[str, str]]:
    """Versions, processors, methods, readers, extras: what is there and how to get what is missing."""
    from spaxel.methods.registry import METHODS
    from spaxel.workflow.foreseen import fixed_memory

    core = {name: _version(name) for name in ("numpy", "scipy", "scikit-learn", "xarray", "dask", "zarr", "bokeh")}
    machine = {
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "cores": str(cores()),
    }
    if taken := [format_bytes(number) for number in fixed_memory(deep=True)]:
        machine["memory of the libraries"] = ", with torch ".join(taken)
    extras = {
        extra: ", ".join(f"{name} {_version(name)}" for name in names)
        if all(_version(name) != "-" for name in names)
        else f"missing; try: pip install 'spaxel[{extra}]'"
        for extra, names in EXTRAS.items()
    }
    return {
        "spaxel": {"version": __version__, "methods": ", ".join(METHODS)},
        "machine": machine,
        "libraries": core,
        "extras": extras,
        "readers": {r.name: r.description + (f" (extra {r.extra})" if r.extra else "") for r in readers().values()},
    }


def _steps(step: np.ndarray) -> str:
    even = np.allclose(step, step.mean(), rtol=1e-3)
    return f"{step.mean():g}" if even else f"{step.min():g} to {step.max():g} (uneven)"


def _few_places(cube: xr.Dataset) -> xr.Dataset:
    """Of a cube that is too large to be read for a few lines: small pieces of it, spread evenly, one below the other."""
    spectra = cube["spectra"]
    if spectra.chunks is None or spectra.nbytes <= LARGE:
        return cube
    height, width, _ = spectra.shape
    cells = grid(height, width)
    side = (min(PIECE[0], height), min(PIECE[1], width))
    parts = []
    for number in np.unique(np.linspace(0, len(cells) - 1, PLACES).round().astype(int)):
        top, left = min(cells[number].y0, height - side[0]), min(cells[number].x0, width - side[1])
        parts.append(cube.isel(y=slice(top, top + side[0]), x=slice(left, left + side[1])))
    few = xr.concat(parts, "y", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override")
    return few.compute(scheduler=alone)  # it is looked at more than once


def _sampled(whole: xr.Dataset) -> dict[str, Any]:
    cube = _few_places(whole)
    try:
        sample = sample_spectra(cube, LOOKED_AT, gaps="keep")
    except CubeError as error:
        return {"valid": f"0 % of the pixels looked at: {error}"}
    lacking, model = _gaps(sample.spectra), fit_completion(sample.spectra)
    sample = whole_numbers(completed_sample(sample, model), model)
    total = sample.spectra.astype(np.float64).sum(1)
    sample, belief = known_noise(sample)
    bad = find_bad_channels(cube)
    return {
        "valid": f"{sample.valid_share:.1%} of the pixels looked at",
        **lacking,
        "looks like": look_at(sample).words(),
        **({"noise": belief.sentence.removeprefix("Noise: ")} if belief.sentence else {}),
        "sum per pixel": f"median {np.median(total):.6g}, {np.percentile(total, 2):.6g} to {np.percentile(total, 98):.6g}",
        "channels that say nothing": f"{len(bad.drop)} ({bad.phrase})" if bad.drop else "none",
    }


def _gaps(spectra: np.ndarray) -> dict[str, str]:
    """What is said of missing values, where there are any."""
    missing = ~np.isfinite(spectra) if spectra.dtype.kind == "f" else np.zeros((1, 1), bool)
    if not missing.any():
        return {}
    lacking = f"{missing.mean():.1%} of the values, in {missing.any(1).mean():.1%} of these pixels"
    return {"missing": f"{lacking}; a fit completes them from the others"}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"
