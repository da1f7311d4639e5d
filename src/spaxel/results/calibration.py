"""A result of unmixing with a calibration: known values of some samples, and what the abundances say of all."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import CubeError
from spaxel.linear.calibration import Calibration, Line, calibration
from spaxel.results.convention import component_names
from spaxel.results.walk import walk

TARGET = "target_"  # of the columns of numbers that a table keeps


def calibrate(result: xr.Dataset, known: Any, *, name: str = "known value") -> xr.Dataset:
    """The result with the value `name` of every sample, from the known ones of some.

    result : of unmixing, of a list of spectra or an image      known : (y,) or (y, x), nan where it is not known
    value = offset + abundances @ slopes, by one component or by all, as left-out samples decide; which is chosen anew without
    each sample, so `left_out` are honest predictions. Adds known, predicted, predicted_error, left_out (y, x),
    calibration_slope (component), and a sentence. predicted_error is the standard error of a value that was not known, by
    how far left-out samples are off. The limit (of detection) is that of a sample of value 0, otherwise like the known ones.
    Raises CubeError without abundances, for another number of values, for fewer than four known values.
    Fails where the value is not straight in the abundances; outside the known range it says nothing of itself.

    >>> import spaxel
    >>> table = spaxel.simulate("mixture", n_components=3, per_component=8, most_mixed=2, snr_db=30)
    >>> result = spaxel.MCR().fit(table).transform(table)
    >>> found = spaxel.calibrate(result, table["truth_abundances"].values[:, 0, 1], name="amount")
    >>> found["predicted"].attrs["r2_left_out"] > 0.99
    True
    """
    if "abundances" not in result:
        raise CubeError("This result holds no abundances. Try a run of unmix.")
    shape = result["labels"].shape
    values = np.asarray(getattr(known, "values", known), np.float64)
    values = values[:, None] if values.ndim == 1 and shape[1] == 1 else values
    if values.shape != shape:
        raise CubeError(f"There are {values.shape} known values for {shape} spectra. Try nan where one is not known.")
    k = result.sizes["component"]
    found = calibration(_held(result).reshape(-1, k), values.ravel())
    left_out = found.left_out.reshape(shape)
    about = {"name": name} | _numbers(values, left_out)
    about |= {"limit": found.line.limit, "offset": found.line.offset, "spread": found.line.spread}
    about |= {"inverse": found.line.inverse.ravel().tolist()}
    about["sentence"] = _sentence(about, found, result)
    return _with_values(result, found.line, about).assign(
        known=(("y", "x"), values), left_out=(("y", "x"), left_out)
    )  # fmt: skip


def recalled_calibration(result: xr.Dataset, model: xr.Dataset) -> xr.Dataset:
    """The result with the values that the calibration of another result of the same model, `model`, gives."""
    about = dict(model["predicted"].attrs)
    k = model.sizes["component"]
    inverse = np.reshape(np.asarray(about["inverse"], np.float64), (k + 1, k + 1))
    line = Line(float(about["offset"]), model["calibration_slope"].values, inverse, float(about["spread"]))
    return _with_values(result, line, about)


def calibration_rows(result: xr.Dataset) -> list[list[str]]:
    """The table of a calibration, after its header: y, x, known, left_out, predicted, standard_error of each spectrum."""
    arrays = ("known", "left_out", "predicted", "predicted_error")
    there = [name for name in arrays if name in result]
    rows = [["y", "x", *(name if name != "predicted_error" else "standard_error" for name in there)]]
    values = [result[name].values for name in there]
    for y, x in np.ndindex(result["labels"].shape):
        rows.append([str(y), str(x), *(f"{v[y, x]:.7g}" if np.isfinite(v[y, x]) else "" for v in values)])
    return rows


def _held(result: xr.Dataset) -> np.ndarray:
    return np.asarray(result["abundances"].values, np.float64)


def _with_values(result: xr.Dataset, line: Line, about: dict[str, Any]) -> xr.Dataset:
    shape, k = result["labels"].shape, result.sizes["component"]
    predicted, error = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    for tile, _, (part,) in walk(result["abundances"], scratch=40 * k):
        values, errors = line.values(part.reshape(-1, k).astype(np.float64))
        place = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
        predicted[place], error[place] = values.reshape(part.shape[:2]), errors.reshape(part.shape[:2])
    new = result.assign(
        predicted=(("y", "x"), predicted),
        predicted_error=(("y", "x"), error),
        calibration_slope=("component", line.slopes),
    )
    new["predicted"].attrs = about
    return new


def _numbers(known: np.ndarray, left_out: np.ndarray) -> dict[str, Any]:
    held = np.isfinite(left_out)
    rest, y = (left_out - known)[held], known[held]
    rmse = float(np.sqrt((rest**2).mean()))
    r2 = float(1 - (rest**2).sum() / ((y - y.mean()) ** 2).sum())
    return {"n_known": len(y), "rmse_left_out": rmse, "r2_left_out": r2, "low": float(y.min()), "high": float(y.max())}


def _sentence(about: dict[str, Any], found: Calibration, result: xr.Dataset) -> str:
    used = np.flatnonzero(found.line.slopes)
    by = component_names(result)[int(used[0])] if len(used) == 1 else "all components"
    said = (
        f"{about['name']}, by {by}: each of {about['n_known']} known samples, left out, is off by {about['rmse_left_out']:.3g} "
        f"(root mean square; known values run from {about['low']:.3g} to {about['high']:.3g}), R² {about['r2_left_out']:.2f}."
    )
    if about["r2_left_out"] < 0.5:
        said += " The abundances say little of it: no component follows this value."
    return said
