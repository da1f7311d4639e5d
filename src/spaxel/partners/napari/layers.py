"""A run or a cube as layers of napari: tuples (data, how it is shown, kind), made without napari."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import axis_label
from spaxel.cube.pixels import pixel_size
from spaxel.cube.sampling import sample_spectra
from spaxel.figures.palette import run_colors
from spaxel.readers import open_cube
from spaxel.results.convention import component_names
from spaxel.store.run_folder import read_json, read_run

Layer = tuple[Any, dict[str, Any], str]
CLEAR = "#00000000"
SHOWN = 24  # abundance maps that are layers of their own
LOOKED_AT = 500  # spectra from which the range of grey values is taken


def run_layers(folder: Path) -> list[Layer]:
    """Picture, abundances, confidence and labels of a run, in this order from below; only picture and labels are switched on.

    The labels of napari are ours plus one, since its 0 is clear: 0 is no data. Their features have a row for each component:
    index, component, name, pixels, share, color. metadata["spaxel"] holds what the spectra widget needs.
    Raises NotFound if there is no run.
    """
    about = read_json(folder)
    folder = folder / next(iter(about["inputs"])) if about.get("inputs") else folder
    run, result = read_run(folder)
    result = result.load()
    placed = place(result, result["labels"].shape[0])
    name = str(run.get("name", folder.name))
    layers: list[Layer] = []
    if "picture" in result:
        layers.append((result["picture"].values, placed | {"name": f"{name}: picture", "rgb": True}, "image"))
    for values, title, most in _maps(result):
        shown = {"name": f"{name}: {title}", "colormap": "viridis", "contrast_limits": (0.0, most), "visible": False}
        layers.append((values, placed | shown, "image"))
    colors = run_colors(result, run)
    colormap: dict[int | None, str] = {None: CLEAR, 0: CLEAR} | {i + 1: color for i, color in enumerate(colors)}
    shown = {
        "name": f"{name}: components",
        "features": features(result, colors),
        "colormap": colormap,
        "opacity": 0.7,
        "metadata": {"spaxel": about_spectra(result, run, colors)},
    }
    return [*layers, ((result["labels"].values + 1).astype(np.int32), placed | shown, "labels")]


def _maps(result: xr.Dataset) -> list[tuple[np.ndarray, str, float]]:
    """Maps of amounts: (values, title, largest value shown)."""
    found = []
    if "abundances" in result:
        values, names = result["abundances"].values, component_names(result)
        for k in range(min(values.shape[2], SHOWN)):
            found.append((values[:, :, k], f"abundance of {names[k]}", _high(values[:, :, k])))
    if "confidence" in result:
        found.append((result["confidence"].values, "confidence", 1.0))
    return found


def cube_layers(path: Path) -> list[Layer]:
    """A cube as one image layer (channel, y, x), lazily where the file is; the slider of napari goes through the channels."""
    cube = open_cube(path)
    spectra = cube["spectra"].transpose("channel", "y", "x")
    sample = sample_spectra(cube, LOOKED_AT, gaps="keep").spectra
    low, high = float(np.nanmin(sample)), _high(sample)
    placed = place(cube, spectra.sizes["y"], channels=True)
    shown = {
        "name": path.stem,
        "contrast_limits": (min(low, 0.0), high),
        "metadata": {"spaxel": {"channel": cube["channel"].values, "axis": axis_label(cube), "cube": str(path)}},
    }
    data = spectra.data if spectra.chunks is not None else spectra.values
    return [(data, placed | shown, "image")]


def _high(values: np.ndarray) -> float:
    """The value above which one in fifty of the positive ones lies; 1 where there is none."""
    positive = values[np.isfinite(values) & (values > 0)]
    return float(np.percentile(positive, 98)) if positive.size else 1.0


def place(data: xr.Dataset, rows: int, *, channels: bool = False) -> dict[str, Any]:
    """Where pixels lie: their size and unit, and upside up where row 0 is the lowest (FITS)."""
    height, width, unit = pixel_size(data.attrs) or (1.0, 1.0, "pixel")
    unit = unit if unit in ("nm", "um", "mm", "cm", "m", "km", "arcsec") else "pixel"
    front = int(channels)
    found: dict[str, Any] = {
        "scale": (1.0,) * front + (height, width),
        "units": ("pixel",) * front + (unit, unit),
        "axis_labels": ("channel",) * front + ("y", "x"),
    }
    if data.attrs.get("origin") == "lower":
        turned = np.eye(3 + front)
        turned[front, front], turned[front, -1] = -1.0, (rows - 1) * height
        found["affine"] = turned
    return found


def features(result: xr.Dataset, colors: list[str]) -> dict[str, list[Any]]:
    """The table of the components, by their number in napari."""
    size = result["component_size"].values if "component_size" in result else np.zeros(len(colors), int)
    total = max(int(size.sum()), 1)
    return {
        "index": list(range(1, len(colors) + 1)),
        "component": list(range(len(colors))),
        "name": component_names(result),
        "pixels": [int(n) for n in size],
        "share": [round(float(n) / total, 4) for n in size],
        "color": list(colors),
    }


def about_spectra(result: xr.Dataset, run: dict[str, Any], colors: list[str]) -> dict[str, Any]:
    """What the widget draws: mean spectra with their spread, axis, names, colours; where the cube is, and its steps."""
    spread = result["component_spread"].values if "component_spread" in result else None
    return {
        "channel": result["channel"].values,
        "axis": axis_label(result),
        "mean": result["component_spectra"].values,
        "spread": spread,
        "names": component_names(result),
        "colors": list(colors),
        "cube": str(run.get("input", {}).get("path", "")),
        "steps": result.attrs.get("steps", "[]"),
    }
