"""The widget of napari: the spectrum under the pointer, beside the mean of its component with its spread."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import SpaxelError, missing_extra

GREY = "#333333"


def spectra_widget(napari_viewer: Any = None) -> Any:
    """A Qt widget that follows the pointer over the layers that spaxel made.

    napari_viewer : the viewer whose pointer it follows; the one that is open if not given
    Raises MissingExtra without napari or matplotlib.
    """
    try:
        import napari
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise missing_extra("The spectra widget", str(error.name or "napari"), "napari,plot") from error
    viewer = napari_viewer or napari.current_viewer()
    figure = Figure(figsize=(4, 2.6), layout=ConstrainedLayoutEngine(h_pad=0.12))
    canvas = FigureCanvasQTAgg(figure)
    canvas.setMinimumSize(240, 200)
    canvas.setMaximumHeight(420)
    axes, cubes = figure.subplots(), Cubes()
    draw(axes, None)

    def follow(viewer: Any, _: Any = None) -> None:
        draw(axes, under(viewer.layers, viewer.cursor.position, cubes))
        canvas.draw_idle()

    if viewer is not None:
        viewer.mouse_move_callbacks.append(follow)
    return canvas


class Cubes:
    """Cubes of runs, opened when their first pixel is asked for, with the steps of the run; None where that cannot be done."""

    def __init__(self) -> None:
        self._open: dict[str, xr.Dataset | None] = {}

    def of(self, about: dict[str, Any]) -> xr.Dataset | None:
        """The cube that a layer was made from."""
        path = about["cube"]
        if path not in self._open:
            self._open[path] = self._opened(path, about)
        return self._open[path]

    def _opened(self, path: str, about: dict[str, Any]) -> xr.Dataset | None:
        from spaxel.preprocess import repeat
        from spaxel.readers import open_cube

        try:
            cube = open_cube(path)
            steps = about.get("steps", [])
            cube = repeat(cube, json.loads(steps) if isinstance(steps, str) else steps)
        except SpaxelError:  # moved, or opened with options that nobody knows here: the means are shown alone
            return None
        return cube if cube.sizes["channel"] == len(about["channel"]) else None


def under(layers: Any, position: Any, cubes: Cubes) -> dict[str, Any] | None:
    """What is under the pointer, of the uppermost visible layer of spaxel: see `spectrum_at`; None where there is nothing."""
    for layer in reversed(list(layers)):
        about = layer.metadata.get("spaxel")
        if about is None or not layer.visible:
            continue
        y, x = (int(np.floor(at + 0.5)) for at in layer.world_to_data(position)[-2:])
        height, width = layer.data.shape[-2:]
        if 0 <= y < height and 0 <= x < width:
            return spectrum_at(about, layer.data, y, x, cubes)
    return None


def spectrum_at(about: dict[str, Any], data: Any, y: int, x: int, cubes: Cubes) -> dict[str, Any]:
    """title, axis (its words), channel, and as they are known: own (channel,), mean and spread of the component, color.

    about : metadata of the layer      data : labels (y, x) with 0 = no data, or a cube (channel, y, x)
    """
    found: dict[str, Any] = {"axis": about["axis"], "channel": about["channel"], "title": f"x {x}, y {y}"}
    if "mean" not in about:
        return found | {"own": np.asarray(data[:, y, x], dtype=float)}
    cube, k = cubes.of(about), int(data[y, x]) - 1
    if cube is not None and y < cube.sizes["y"] and x < cube.sizes["x"]:
        found["own"] = np.asarray(cube["spectra"][y, x].values, dtype=float)
    if k < 0:
        return found | {"title": f"x {x}, y {y}: no data"}
    found |= {"mean": about["mean"][k], "color": about["colors"][k], "title": f"x {x}, y {y}: {about['names'][k]}"}
    return found if about["spread"] is None else found | {"spread": about["spread"][k]}


def draw(axes: Any, found: dict[str, Any] | None) -> None:
    """Draw it on axes of matplotlib; None : say what to do."""
    axes.clear()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if found is None:
        axes.set_title("Move the pointer over a layer of spaxel", fontsize=10, color=GREY, loc="left")
        return
    channel = found["channel"]
    if "mean" in found:
        mean, color = found["mean"], found["color"]
        if "spread" in found:
            axes.fill_between(channel, mean - found["spread"], mean + found["spread"], color=color, alpha=0.25, lw=0)
        axes.plot(channel, mean, color=color, lw=1.8, label="mean of the component")
    if "own" in found:
        axes.plot(channel, found["own"], color=GREY, lw=0.9, label="this pixel")
    if "mean" in found and "own" in found:
        axes.legend(frameon=False, fontsize=8)
    axes.set_title(found["title"].replace("$", r"\$"), fontsize=10, color=GREY, loc="left")
    axes.set_xlabel(found["axis"].replace("$", r"\$"), fontsize=9)
    axes.tick_params(labelsize=8)
    axes.margins(x=0)
    if found["axis"].endswith("(1/cm)"):
        axes.invert_xaxis()
