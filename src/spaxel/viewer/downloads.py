"""What is selected, as files that the browser saves: the spectrum (CSV), the mask (PNG), the polygon (GeoJSON, for --mask)."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable

import numpy as np
from bokeh.models import Button, ColumnDataSource, CustomJS

from spaxel.figures.reduce import png
from spaxel.results.convention import component_names
from spaxel.store.cells import TableWriter
from spaxel.viewer.look import styled, words
from spaxel.viewer.regions import geojson
from spaxel.viewer.spectra import RegionSpectrum, mask_of
from spaxel.viewer.state import State

_SAVE = """
const [name, kind, data] = [source.data.name[0], source.data.kind[0], source.data.data[0]];
const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
const link = document.createElement('a');
link.href = URL.createObjectURL(new Blob([bytes], {type: kind}));
link.download = name;
link.click();
setTimeout(() => URL.revokeObjectURL(link.href), 10000);
"""


class Downloads:
    """Three buttons, and the source through which a file reaches the browser (`sink` belongs in the layout)."""

    def __init__(self, state: State, spectrum: Callable[[], RegionSpectrum | None]):
        self._state, self._spectrum = state, spectrum
        self.file = ColumnDataSource({"name": [], "kind": [], "data": []}, name="file")
        self.file.js_on_change("data", CustomJS(args={"source": self.file}, code=_SAVE))
        self.sink = words("", visible=False, name="sink", tags=[self.file])
        made = {"spectrum.csv": self.csv, "mask.png": self.mask, "region.geojson": self.polygon}
        self.buttons = []
        for label, call in made.items():
            button = styled(Button(label=label, width=98, disabled=True, name=f"save {label}"))
            button.on_click(call)
            self.buttons.append(button)
        for event in ("region", "scene"):
            state.on(event, self._enable)
        self._enable()

    def _enable(self) -> None:
        """A region can be saved where there is one; its spectrum, where the cube is there."""
        region = self._state.region is not None
        for button, possible in zip(
            self.buttons, (region and self._state.scene.cube is not None, region, region), strict=True
        ):
            button.disabled = not possible

    def csv(self) -> None:
        """Send the spectrum."""
        if (found := self._spectrum()) is not None:
            self._send("spectrum.csv", "text/csv", spectrum_csv(self._state, found).encode("utf-8"))

    def mask(self) -> None:
        """Send the mask."""
        if self._state.region is not None:
            mask = mask_of(self._state.region, self._state.scene.shape)
            self._send("mask.png", "image/png", mask_png(mask, self._state.scene.origin))

    def polygon(self) -> None:
        """Send the polygon."""
        if self._state.region is not None:
            scene = self._state.scene
            text = json.dumps(geojson(self._state.region, scene.shape, dict(scene.data.attrs)), indent=1)
            self._send("region.geojson", "application/geo+json", text.encode("utf-8"))

    def _send(self, ending: str, kind: str, content: bytes) -> None:
        stem = re.sub(r"[^\w.-]+", "_", self._state.scene.name).strip("._")[:60] or "spaxel"
        data = base64.b64encode(content).decode("ascii")
        self.file.data = {"name": [f"{stem}_{ending}"], "kind": [kind], "data": [data]}


def spectrum_csv(state: State, found: RegionSpectrum) -> str:
    """Axis, mean and standard deviation of the region; then the means of the components, a column each."""
    data = state.scene.data
    axis = np.asarray(data["channel"], float)
    columns = {
        f"channel ({data['channel'].attrs.get('units', 'index')})": axis,
        "mean": found.mean,
        "standard_deviation": found.spread,
    }
    if state.result is not None and "component_spectra" in state.result:
        means = np.asarray(state.result["component_spectra"], float)
        columns |= {f"mean of {i}: {name}": means[i] for i, name in enumerate(component_names(state.result))}
    text = io.StringIO()
    writer = TableWriter(text)
    writer.row(columns)
    writer.rows([[float(f"{value:.9g}") for value in row] for row in np.stack(list(columns.values()), 1)])
    return text.getvalue()


def mask_png(mask: np.ndarray, origin: str) -> bytes:
    """A mask as a picture of its size, white inside and black outside, as the image is shown. mask : (y, x) bool"""
    rgba = np.zeros((*mask.shape, 4), np.uint8)
    rgba[..., :3] = np.where(mask, 255, 0)[..., None]
    rgba[..., 3] = 255
    return png(rgba[::-1] if origin == "lower" else rgba)
