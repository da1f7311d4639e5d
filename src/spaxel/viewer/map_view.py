"""One map on the screen: a layer below, labels above; as many points as the screen has, read as it is moved."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, LinearColorMapper, Range1d
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from spaxel.errors import printable
from spaxel.figures.maps import CLEAR
from spaxel.store.overviews import overview
from spaxel.viewer.layers import Layer, component_of, labels_layer
from spaxel.viewer.look import Looks, words
from spaxel.viewer.overviews import SLOW, keep, overview_file, recalled
from spaxel.viewer.reading import BLINK, Kept, Reading
from spaxel.viewer.sampled import limits
from spaxel.viewer.screen import Window, on_screen
from spaxel.viewer.state import State
from spaxel.viewer.stretches import palette_of, stretched

SCREEN = (760, 620)  # until the browser says how large the map is
WAIT = 60  # milliseconds after a movement, before anything is read
TURN, LONGEST = 0.3, 3.0  # seconds of reading before the second picture, and between two later ones at most
CALM = 0.7  # seconds after a click in which nothing else is read
EMPTY = np.zeros((1, 1), np.uint32)


class MapView:
    """A figure and what it shows. `base` and `labels` say what; `refresh` reads what is on the screen.

    at : the scene that it shows, None for the one that the window shows      ranges : (x, y) shared with another map
    """

    def __init__(self, state: State, looks: Looks, document: Any, *, at: int | None = None, ranges: Any = None):
        self._state, self._document, self._at = state, document, at
        rows, columns = self.scene.shape
        x, y = ranges or (Range1d(0, columns), Range1d(rows, 0) if self.scene.origin == "upper" else Range1d(0, rows))
        self.plot = looks.style(figure(x_range=x, y_range=y, tools=[], toolbar_location="above", sizing_mode="stretch_both",
                                       min_width=330, min_height=300, lod_threshold=None))  # fmt: skip
        self.base: Layer | None = None
        self.given: list[str] | None = None
        self.stretch, self.opacity, self.with_labels = "linear", 0.5, True
        self._readings: dict[str, Reading] = {}
        self._pending, self._ended = False, False
        self.caption = words(" ", faint=True, sizing_mode="stretch_width", name="caption")
        self._size = dict(zip(("inner_width", "inner_height"), SCREEN, strict=True))
        self._glyphs()
        for changed, name in (
            (x, "start"),
            (x, "end"),
            (y, "start"),
            (y, "end"),
            (self.plot, "inner_width"),
            (self.plot, "inner_height"),
        ):
            changed.on_change(name, self._moved)
        state.on("result", self.refresh)
        state.on("component", self.repaint)
        document.on_session_destroyed(self._end)

    @property
    def scene(self) -> Any:
        """What it shows."""
        return self._state.scene if self._at is None else self._state.scenes[self._at]

    @property
    def result(self) -> Any:
        """The result of what it shows, as it is now."""
        return self._state.result if self._at is None else self._state.result_of(self._at)

    @property
    def colors(self) -> list[str]:
        """'#RRGGBB' of the components; `given` where the colours are those of another map."""
        if self.given is not None:
            return self.given
        return self._state.colors if self._at is None else self._state.colors_of(self._at)

    def _glyphs(self) -> None:
        frame = {"x": [0], "y": [0], "dw": [1], "dh": [1]}
        self.sources = {
            name: ColumnDataSource({"image": [EMPTY], **frame}, name=f"map {name}")
            for name in ("rgb", "values", "labels")
        }
        where = {name: name for name in frame}
        self.sheet = ColumnDataSource({"x": [0.5], "y": [0.5], "w": [1], "h": [1]})
        hatch = {"hatch_pattern": "right_diagonal_line", "hatch_color": "#D8D8D8", "hatch_scale": 8, "hatch_weight": 1}
        self.plot.rect("x", "y", "w", "h", source=self.sheet, fill_color="white", line_color="#BBBBBB", **hatch)
        self.shades = LinearColorMapper(palette=list(Viridis256), low=0, high=1, nan_color=CLEAR)
        self.classes = LinearColorMapper(palette=["#FFFFFF"], low=-0.5, high=0.5, low_color=CLEAR, high_color=CLEAR)
        self.drawn = {
            "rgb": self.plot.image_rgba(image="image", source=self.sources["rgb"], visible=False, **where),
            "values": self.plot.image(
                image="image", source=self.sources["values"], color_mapper=self.shades, visible=False, **where
            ),
            "labels": self.plot.image(
                image="image", source=self.sources["labels"], color_mapper=self.classes, visible=False, **where
            ),
        }
        fonts = {
            "title_text_font": "sans-serif",
            "major_label_text_font": "sans-serif",
            "title_text_font_style": "normal",
        }
        self.bar = ColorBar(color_mapper=self.shades, height=10, padding=4, visible=False, **fonts)
        self.plot.add_layout(self.bar, "below")

    def whole(self) -> None:
        """Another image: its whole, and nothing of the one before."""
        rows, columns = self.scene.shape
        upper = self.scene.origin == "upper"
        self.plot.x_range.update(start=0, end=columns)
        self.plot.y_range.update(start=rows if upper else 0, end=0 if upper else rows)

    def window(self) -> Window:
        """What is on the screen now."""
        x, y = self.plot.x_range, self.plot.y_range
        return on_screen(
            self.scene.shape,
            (x.start, x.end),
            (y.start, y.end),
            (self._size["inner_width"], self._size["inner_height"]),
        )

    def _moved(self, attr: str, _old: Any, new: Any) -> None:
        if attr in self._size and new:
            self._size[attr] = int(new)
        if not self._pending:
            self._pending = True
            self._document.add_timeout_callback(self.refresh, WAIT)

    def refresh(self) -> None:
        """Read and show what is on the screen; what takes longer than a blink is read on in a thread."""
        self._pending = False
        window, layers = self.window(), {}
        rows, columns = self.scene.shape
        self.sheet.data = {"x": [columns / 2], "y": [rows / 2], "w": [columns], "h": [rows]}
        if self.with_labels and self.result is not None:
            layers["labels"] = labels_layer(self.result)
        if self.base is not None:
            layers[self.base.kind] = self.base
        for reading in self._readings.values():
            reading.stopped = True
        self._readings = {}
        for name, layer in layers.items():
            kept = self._known(layer, window)
            if kept is not None:
                self._show(name, kept, window)
                continue
            reading = Reading(layer.array, window, layer.channels, layer.combine, self.scene.room.block)
            reading.read(BLINK)
            self._readings[name] = reading
        self._publish(dict(self._readings), layers)
        for name, drawn in self.drawn.items():
            drawn.visible = name in layers
        self.repaint()
        self._go_on(layers)

    def _known(self, layer: Layer, window: Window) -> np.ndarray | None:
        """A window that was read before: in this session, or, of a slow file, in an earlier one."""
        kept = self._kept().get(layer.key, window)
        if kept is None and window.step > 1 and layer.array.ndim == 3:
            kept = recalled(overview_file(self.scene, layer.key, window), window.shape)
            if kept is not None:
                self._kept().keep(layer.key, window, kept)
        return kept

    def _kept(self) -> Kept:
        return self.scene.kept.setdefault("windows", Kept(self.scene.room.kept))

    def _publish(self, readings: dict[str, Reading], layers: dict[str, Layer]) -> None:
        """Show what has been read so far, unless the map has moved on."""
        for name, reading in readings.items():
            if self._readings.get(name) is reading and not reading.stopped:
                values = reading.image()
                if reading.finished:
                    self._kept().keep(layers[name].key, reading.window, values)
                    if reading.seconds > SLOW and layers[name].array.ndim == 3:
                        keep(overview_file(self.scene, layers[name].key, reading.window), values)
                self._show(name, values, reading.window)

    def _go_on(self, layers: dict[str, Layer]) -> None:
        """Read the rest in a thread, and show it as it comes."""
        left = {name: reading for name, reading in self._readings.items() if not reading.finished}
        if not left:
            return

        def work() -> None:
            turn = TURN
            for name, reading in left.items():
                while not (reading.finished or reading.stopped or self._ended):
                    reading.read(turn, give_way=self._give_way)
                    shown = threading.Event()

                    def show(one: dict[str, Reading] = {name: reading}, told: threading.Event = shown) -> None:  # noqa: B006
                        try:
                            self._publish(one, layers)
                        finally:
                            told.set()

                    self._document.add_next_tick_callback(show)
                    shown.wait(10)  # pictures do not queue up in front of what a person does
                    turn = min(2 * turn, LONGEST)

        threading.Thread(target=work, daemon=True).start()

    def _give_way(self) -> None:
        """Wait while a person asks for something else: a click is answered first."""
        while (left := self._state.asked + CALM - time.monotonic()) > 0 and not self._ended:
            time.sleep(left)

    def _end(self, _context: Any) -> None:
        self._ended = True

    def _show(self, name: str, values: np.ndarray, window: Window) -> None:
        x, y, dw, dh = window.extent
        if name == "rgb":
            values = self._rgba(values)
        elif name == "labels":
            values = component_of(self.result, values)
            values = values.astype(np.int16 if values.size and values.max() < 2**15 else np.int32)
        self.sources[name].data = {"image": [np.ascontiguousarray(values)], "x": [x], "y": [y], "dw": [dw], "dh": [dh]}

    def _rgba(self, values: np.ndarray) -> np.ndarray:
        """(rows, columns) uint32 of three numbers a pixel, stretched; clear where one is NaN."""
        if self.base is None:
            return EMPTY
        low, high = limits(self.scene, self.base)
        known = np.isfinite(values).all(-1)
        share = np.clip((np.nan_to_num(values) - low) / (np.asarray(high) - low), 0, 1)
        stretch = "sqrt" if self.base.root and self.stretch == "linear" else self.stretch
        rgba = np.zeros((*values.shape[:2], 4), np.uint8)
        rgba[..., :3] = np.rint(255 * stretched(share, stretch))
        rgba[..., 3] = np.where(known, 255, 0)
        return rgba.view(np.uint32)[..., 0]

    def repaint(self) -> None:
        """Colours anew, without reading: of the layer, of the components; those that are not singled out turn faint."""
        one, shown = self._state.component, list(self.colors)
        if one is not None:
            shown = [color if i == one else "rgba(128, 128, 128, 0.25)" for i, color in enumerate(shown)]
        self.classes.update(palette=shown or ["#FFFFFF"], low=-0.5, high=max(len(shown), 1) - 0.5)
        self.drawn["labels"].glyph.global_alpha = self.opacity
        values = self.base is not None and self.base.kind == "values"
        if self.base is not None and values:
            low, high = limits(self.scene, self.base)
            self.shades.update(palette=palette_of(self.stretch), low=float(low), high=float(high))
        self.bar.visible = values
        self.caption.text = (
            printable("; ".join(filter(None, (self.base.title if self.base else "", self._drawn())))) or " "
        )

    def _drawn(self) -> str:
        """What a point stands for: one of so many pixels, or all of them where what is shown comes from overviews."""
        step, held = self.window().step, [self.base.array] if self.base is not None else []
        if self.with_labels and self.result is not None:
            held.append(labels_layer(self.result).array)
        small = [overview(array, step) is not None for array in held] if step > 1 else []
        if any(small) and all(small):
            return f"each point is the mean, or the most frequent component, of {step} x {step} pixels"
        return f"one of {step} rows and columns is drawn" if step > 1 else ""
