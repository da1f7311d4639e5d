"""Names for components: a run beside a library of spectra."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
import xarray as xr

from spaxel.errors import CubeError, GuessWarning, ParameterError
from spaxel.figures.reduce import component_sizes
from spaxel.metrics.common_axis import on_common_axis, resampled
from spaxel.metrics.entries import AXIS_STEPS, entries_of
from spaxel.metrics.library import Answer, Component, rank
from spaxel.preprocess.steps import repeat
from spaxel.readers import open_cube
from spaxel.results.convention import check_result, component_names
from spaxel.store.addresses import name_of
from spaxel.store.cells import TableWriter
from spaxel.store.run_folder import read_json, read_result, write_json
from spaxel.store.uploads import changes
from spaxel.store.writing import replacing

COLUMNS = ("component", "rank", "name", "angle", "error", "correlation", "verdict")
LITTLE = 0.8  # share of the run's axis that a library covers, below which it is said


def match(
    run: str | Path | xr.Dataset, library: str | Path | xr.Dataset, *, top: int = 3, **options: Any
) -> list[Answer]:
    """The nearest spectra of a library to each component of a run, and whether any fits.

    run     : a run folder of segment or unmix, or a result      library : a file that opens as a table (ENVI .sli, CSV,
              JCAMP-DX, ASD, SPC …) or such a cube; its names are the coordinate `sample`
    top     : entries for each component      options : of the reader of the library
    returns : one for each component: component (name), verdict ("fits", "may fit", "none fits"), sentence, candidates with
              name, angle (spectral angle, radians), error (from the spread of the component), correlation
    Both are compared where their axes overlap, on the coarser of the two; nm, um and Angstrom, eV and keV are converted. What
    the run did to its spectra (derivative, baseline …) is done to the library, too. A name is a candidate, never a proof.
    Raises AxisError (other units, no overlap), CubeError, NotFound, ParameterError; warns where the library covers little.

    >>> import spaxel
    >>> cube = spaxel.simulate("mixture", n_components=4, per_component=10, n_channels=80)
    >>> result = spaxel.MCR(n_components=4).fit_transform(cube)
    >>> library = spaxel.make_cube(cube["truth_spectra"].values[:, None], cube["channel"].values)
    >>> library = library.assign_coords(sample=("y", ["ochre", "azurite", "chalk", "soot"]))
    >>> sorted({answer.candidates[0].name for answer in spaxel.match(result, library)})
    ['azurite', 'chalk', 'ochre', 'soot']
    """
    if top < 1:
        raise ParameterError(f"top is {top}; at least 1 entry is needed.")
    result = check_result(run if isinstance(run, xr.Dataset) else read_result(run))
    result = result.assign(result[[name for name, held in result.data_vars.items() if "y" not in held.dims]].load())
    if "component_spectra" not in result:
        raise CubeError("This result holds no component_spectra. Try a run of segment or unmix.")
    cube = library if isinstance(library, xr.Dataset) else open_cube(library, **options)
    units = result["channel"].attrs.get("units", "index")
    names, spectra, axis = entries_of(_treated(cube, result), units, result.sizes["channel"])
    parts = _parts(result)
    own = result["channel"].values.astype(np.float64)
    common = on_common_axis(own, np.concatenate([part for part in parts if len(part)]), axis, spectra)
    if common.share < LITTLE:
        warn(
            f"The library covers {common.share:.0%} of the axis of the run ({common.axis[0]:g} to {common.axis[-1]:g} of "
            f"{own[0]:g} to {own[-1]:g}); only that part is compared.",
            GuessWarning,
            stacklevel=2,
        )
    return rank(_components(result, parts, own, common.axis), names, common.second, top)


def _treated(cube: xr.Dataset, result: xr.Dataset) -> xr.Dataset:
    """The library after the steps of the run that change spectra and not only their axis."""
    steps = result.attrs.get("steps", [])
    steps = json.loads(steps) if isinstance(steps, str) else steps
    wanted = [step for step in steps if step["name"] not in AXIS_STEPS]
    return repeat(cube, wanted) if wanted else cube


def _parts(result: xr.Dataset) -> list[np.ndarray]:
    """Means, spreads and finer parts of the components, (n, channel) each; () where there are none."""
    means = result["component_spectra"].values.astype(np.float64)
    spread = result["component_spread"].values if "component_spread" in result else np.zeros_like(means)
    names = [n for n in ("micro_spectra", "component_low", "component_high") if n in result]
    return [means, np.nan_to_num(spread.astype(np.float64)), *(result[n].values.astype(np.float64) for n in names)]


def _components(result: xr.Dataset, parts: Sequence[np.ndarray], own: np.ndarray, axis: np.ndarray) -> list[Component]:
    """The components on the common axis."""
    means, spread, *finer = (resampled(own, part, axis) for part in parts)
    found = []
    for i, name in enumerate(component_names(result)):
        if "micro_spectra" in result:
            mine = result["micro_component"].values == i
            likes, weights = finer[0][mine], result["micro_size"].values[mine].astype(float)
        else:
            likes = np.array([part[i] for part in finer]).reshape(len(finer), len(axis))
            weights = np.ones(len(likes))
        good = np.isfinite(likes).all(1) & (weights > 0) & (likes != 0).any(1)
        found.append(Component(name, means[i], spread[i], likes[good], weights[good]))
    return found


@changes
def keep_matches(run: str | Path, library: str | Path, answers: Sequence[Answer]) -> None:
    """Keep the answers in run.json, so that the report shows them as long as the components stay as they are."""
    sizes = component_sizes(read_result(run)).tolist()
    kept = []
    for answer in answers:
        nearest = [[c.name, float(c.angle), float(c.error), float(c.correlation)] for c in answer.candidates]
        kept.append({"verdict": answer.verdict, "nearest": nearest})
    write_json(Path(run), read_json(run) | {"matches": {"library": name_of(library), "sizes": sizes, "answers": kept}})


def write_matches(answers: Sequence[Answer], path: str | Path, *, overwrite: bool = False) -> Path:
    """The candidates of each component as CSV, one line for each. Returns the path."""
    with (
        replacing(path, overwrite=overwrite, owned=Path.is_file) as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        table = TableWriter(file)
        table.row(COLUMNS)
        for answer in answers:
            for place, c in enumerate(answer.candidates, 1):
                numbers = f"{c.angle:.5f}", f"{c.error:.5f}", f"{c.correlation:.5f}"
                table.row([answer.component, place, c.name, *numbers, answer.verdict if place == 1 else ""])
    return Path(path)
