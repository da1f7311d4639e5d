"""Small targets in a run: looked for where a cube is mapped, written as tables beside the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.methods.completing import ready
from spaxel.results.rare import rare_rows
from spaxel.workflow.tables import write_table

RARE, RARE_SPECTRA = "rare.csv", "rare_spectra.csv"


def with_rare(model: Any, cube: xr.Dataset, result: xr.Dataset) -> xr.Dataset:
    """The result of a fitted model with small targets. cube : before or after the steps that the model was fitted after"""
    from spaxel.methods.rare.find import find_rare  # here and not above: a cut writes what was found, and finds nothing

    prepared = ready(cube, model.info_, model.state_)
    memory, seed = model.get_params().get("memory"), model.get_params().get("random_state") or 0
    return find_rare(prepared, result, random_state=seed, memory=memory)


def write_rare(folder: Path, result: xr.Dataset) -> list[Path]:
    """rare.csv (one line for each candidate) and rare_spectra.csv (their spectra and those around); none without a search."""
    if "rare_position" not in result:
        return []
    rows = rare_rows(result)
    spectra = [result[name].values for name in ("rare_spectra", "rare_around")]
    axis, n = result["channel"].values, result.sizes["rare"]
    units = str(result["channel"].attrs.get("units", ""))
    header = [f"channel ({units})" if units else "channel"]
    header += [f"candidate {i + 1}{word}" for i in range(n) for word in ("", " around")]
    lines = [
        [f"{place:.10g}", *(_cell(values[i, c]) for i in range(n) for values in spectra)]
        for c, place in enumerate(axis)
    ]
    return [write_table(folder, RARE, rows[0], rows[1:]), write_table(folder, RARE_SPECTRA, header, lines)]


def _cell(value: float) -> str:
    return f"{value:.7g}" if np.isfinite(value) else ""
