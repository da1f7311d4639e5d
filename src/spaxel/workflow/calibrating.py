"""Known values of a table in a run: abundances are calibrated where the table is mapped, and written beside the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.linear.calibration import FEWEST
from spaxel.results.calibration import TARGET, calibrate, calibration_rows, recalled_calibration
from spaxel.results.convention import spectra_names
from spaxel.store.run_folder import read_result
from spaxel.workflow.plan import RunPlan
from spaxel.workflow.tables import write_table

CALIBRATION = "calibration.csv"


def check_column(plan: RunPlan, cube: xr.Dataset) -> None:
    """Raises ParameterError where known values are asked for that there are not, before anything is fitted."""
    if plan.calibrate is None:
        return
    if len(plan.paths) > 1:
        raise ParameterError("--calibrate is of one table. Try one file that holds all samples.")
    values = np.asarray(_column(plan.calibrate, cube).values, np.float64)
    there = values[np.isfinite(values)]
    if len(there) < FEWEST or np.ptp(there) == 0:
        raise ParameterError(
            f"--calibrate {plan.calibrate}: {len(there)} samples have a value there; at least {FEWEST} are needed, "
            "and not all of one value."
        )


def _column(name: str, cube: xr.Dataset) -> xr.DataArray:
    known = [str(one)[len(TARGET) :] for one in cube.data_vars if str(one).startswith(TARGET)]
    if name not in known:
        there = f"It has: {', '.join(known)}." if known else "It has no column of numbers beside its spectra."
        raise ParameterError(f"--calibrate is {name!r}, which is no column of this table. {there}")
    return cube[TARGET + name]


def with_calibration(plan: RunPlan, cube: xr.Dataset, result: xr.Dataset) -> xr.Dataset:
    """The result with the values of all samples, from those that the table knows. cube : as it is in the file."""
    if plan.calibrate is None:
        return result
    return calibrate(result, _column(plan.calibrate, cube), name=plan.calibrate)


def with_calibration_of(run: Path, result: xr.Dataset) -> xr.Dataset:
    """The result with the values that the calibration of a run gives; as it is where the run has none."""
    if not (run / "result.zarr").exists():
        return result
    model = read_result(run)
    return recalled_calibration(result, model) if "calibration_slope" in model else result


def write_calibration(folder: Path, result: xr.Dataset) -> Path | None:
    """calibration.csv: names and groups, y, x, known, left_out, predicted, standard_error. None without a calibration."""
    if "predicted" not in result:
        return None
    header, *rows = calibration_rows(result)
    named = spectra_names(result)
    width = result["labels"].shape[1]
    own = [[values[i // width] for _, values in named.values()] for i in range(len(rows))]
    return write_table(folder, CALIBRATION, [*named, *header], [a + b for a, b in zip(own, rows, strict=True)])
