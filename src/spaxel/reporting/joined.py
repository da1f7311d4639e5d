"""The page of a run of several cubes: their maps in common colours, and which components are in which."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import xarray as xr

from spaxel.figures.maps import component_rgb, label_png
from spaxel.figures.palette import component_colors
from spaxel.figures.reduce import reduce_labels
from spaxel.reporting.html import Markup, image, join, percent, swatch, tag
from spaxel.reporting.page import Page, finish
from spaxel.reporting.sections import components, done
from spaxel.reporting.training import training
from spaxel.results.convention import component_names
from spaxel.results.cut import merge_moments
from spaxel.results.presence import UNLIKE, Presence, new_here, recalled
from spaxel.store.run_folder import is_run, read_json, read_result

MOST_MAPS = 60  # that are drawn; the table has all cubes
SIDE = 200  # pixels of a map


def render_joined(folder: Path, run: dict[str, Any]) -> str:
    """The page of several cubes of one model, as HTML text; read cube by cube. Raises NotFound if a result is missing."""
    found: dict[str, Presence] = {}
    maps: dict[str, bytes] = {}
    pool = _Pool()
    for name in run["inputs"]:
        result = read_result(folder / name)
        small = result[["labels", "component_color"]].assign(labels=_small(result))
        colors = component_colors(small, dealt=run.get("colors") or ())
        found[name] = recalled(result, read_json(folder / name) if is_run(folder / name) else {})
        if len(maps) < MOST_MAPS:
            maps[name] = label_png(small, colors, SIDE)
        pool.add(result)
    whole = pool.result()
    page = Page(whole, run | {"input": run["inputs"]}, [], SIDE, SIDE)
    parts = [
        _what(page, run, found),
        _maps(page, maps),
        _table(page, found, run),
        components(page),
        training(page),
        done(page),
    ]
    return finish(page, f"{_title(folder, run)} · spaxel", join(parts))


class _Pool:
    """One result of all cubes together, without maps: sizes, mean spectra and their spread."""

    def __init__(self) -> None:
        self._first: xr.Dataset | None = None
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, result: xr.Dataset) -> None:
        spectra, spread, size = (result[f"component_{name}"].values for name in ("spectra", "spread", "size"))
        self._parts.append((spectra, spread, size))
        if self._first is None:
            keep = {"component_spectra", "component_spread", "component_size", "component_color"}
            self._first = result.drop_vars([name for name in result.data_vars if name not in keep]).load()

    def result(self) -> xr.Dataset:
        if self._first is None:
            raise ValueError("no result was added")
        spectra, spread, size = (np.concatenate(values) for values in zip(*self._parts, strict=True))
        k = len(self._parts[0][2])
        mean, width = merge_moments(spectra, spread, size, np.tile(np.arange(k), len(self._parts)), k)
        total = np.sum([part[2] for part in self._parts], axis=0)
        blank = np.where(total[:, None] > 0, 1.0, np.nan)
        one = np.tile(np.flatnonzero(total).astype(np.int32), (2, 1))  # a label of each, no map
        return self._first.assign(
            component_spectra=(("component", "channel"), mean * blank, self._first["component_spectra"].attrs),
            component_spread=(("component", "channel"), width * blank),
            component_size=("component", total),
            labels=(("y", "x"), one),
        ).assign_attrs(source="")


def _small(result: xr.Dataset) -> tuple[tuple[str, str], np.ndarray]:
    return ("y", "x"), reduce_labels(result["labels"].values, SIDE)


def _title(folder: Path, run: dict[str, Any]) -> str:
    return str(run.get("name") or f"{len(run['inputs'])} cubes")


def _what(page: Page, run: dict[str, Any], found: dict[str, Presence]) -> Markup:
    pixels = sum(here.n_pixels for here in found.values())
    facts = f"{len(found)} cubes, {pixels:,} pixels with data, one model: a component is the same in each of them. "
    return join(
        [
            tag("h1", f"{len(found)} cubes together"),
            tag("p", facts + str(page.result.attrs.get("sentence", "")), "facts"),
        ]
    )


def _maps(page: Page, maps: dict[str, bytes]) -> Markup:
    drawn = []
    for name, data in maps.items():
        link = tag("a", name, href=f"{quote(name)}/report.html")
        drawn.append(tag("figure", join([tag("figcaption", link), image(data, f"labels of {name}", "nodata fit")])))
    names, colors = component_names(page.result), component_rgb(page.result, page.colors)
    legend = [tag("span", join([swatch(c), " ", n]), "key") for c, n in zip(colors, names, strict=True)]
    more = len(page.run["inputs"]) - len(maps)
    words = f"The first {len(maps)} maps; {more} more cubes are in the table." if more > 0 else "A name opens its page."
    return join([tag("p", join(legend, " ")), tag("p", words, "caption"), tag("div", join(drawn), "row")])


def _table(page: Page, found: dict[str, Presence], run: dict[str, Any]) -> Markup:
    """Cubes x components: share; grey where the test does not say present, a mark where it is new."""
    reference = list(run.get("reference") or [])
    new = new_here(found, reference)
    colors = [*map(swatch, component_rgb(page.result, page.colors)), ""]
    names = [*component_names(page.result), UNLIKE]
    head = [tag("th", "cube")] + [tag("th", join([c, " ", n]), "n") for c, n in zip(colors, names, strict=True)]
    rows = [tag("tr", join([*head, tag("th", "present", "n")]))]
    for name, here in found.items():
        cells = [_cell(here, new[name], i) for i in range(len(names))]
        label = f"{name} (reference)" if name in reference else name
        count = tag("td", f"{here.present[:-1].sum()} of {len(here.names)}", "n")
        rows.append(tag("tr", join([tag("td", label), *cells, count])))
    parts = [tag("h2", "Which components are in which cube?"), tag("p", _words(reference, found))]
    drifts = [f"{name} {here.drift:.1f}" for name, here in found.items() if here.drift > 1.3]
    if drifts:
        parts.append(tag("p", "Taken as a whole these cubes lie farther from the model than what was fitted (times): "
                              + ", ".join(drifts) + ". Other light, noise or calibration?"))  # fmt: skip
    return join(
        [*parts, tag("div", tag("table", join(rows)), "scroll"), tag("p", "The same as activation.csv.", "caption")]
    )


def _cell(here: Presence, new: np.ndarray, i: int) -> Markup:
    text = percent(here.share[i]) if here.size[i] else "–"
    return tag(
        "td", f"new {text}" if new[i] else text, "n" + (" new" if new[i] else "" if here.present[i] else " absent")
    )


def _words(reference: list[str], found: dict[str, Presence]) -> str:
    others = f"the reference ({', '.join(reference)})" if reference else "the other cubes"
    new = f" New: present here, and in none of {others}." if len(found) > 1 else ""
    return (
        "Share of the pixels with data. Grey: no more than noise and mixed pixels at borders explain, or none (p ≥ 0.001)."
        f"{new} Unlike: more than 1.5 times as far from every component as the farthest "
        "0.1 % of what was fitted."
    )
