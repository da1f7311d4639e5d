"""The page of a run of several cubes: their maps in common colours, and which components are in which."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import xarray as xr

from spaxel.figures.maps import component_rgb, label_png
from spaxel.figures.palette import component_colors
from spaxel.figures.reduce import small_map
from spaxel.figures.series import own_scales, series_figures
from spaxel.reporting.html import Markup, fill, percent, picture
from spaxel.reporting.page import Page, finish
from spaxel.reporting.sections import components, done
from spaxel.reporting.training import training
from spaxel.results.convention import component_names, spectra_names
from spaxel.results.cut import merge_moments
from spaxel.results.presence import UNLIKE, Presence, new_here, recalled
from spaxel.results.said import plain_sentence
from spaxel.results.series import Point, Times, point, times_of
from spaxel.store.cuts import open_cut
from spaxel.store.run_folder import is_run, read_json, read_result

MOST_MAPS = 60  # that are drawn; the table has all cubes
SIDE = 200  # pixels of a map


def render_joined(folder: Path, run: dict[str, Any], *, cut: str = "") -> str:
    """The page of several cubes of one model, as HTML text; read cube by cube. Raises NotFound if a result is missing.

    cut : the name of a kept cut, whose components are shown in place of those of the run
    """
    times = times_of(list(run["inputs"]))
    points: list[Point] = []
    found: dict[str, Presence] = {}
    maps: dict[str, bytes] = {}
    pool = _Pool()
    for name in run["inputs"]:
        result = open_cut(folder / name, cut)[1] if cut else read_result(folder / name)
        drawn = [
            name for name in ("labels", "component_color", "component_paint", "component_background") if name in result
        ]
        small = result[drawn].assign(labels=_small(result))
        colors = component_colors(small, dealt=run.get("colors") or ())
        found[name] = recalled(result, read_json(folder / name) if is_run(folder / name) and not cut else {})
        if len(maps) < MOST_MAPS:
            maps[name] = label_png(small, colors, SIDE)
        pool.add(result)
        points.append(point(name, times.group[len(points)], times.time[len(points)], result))
    whole = pool.result()
    page = Page(whole, run | {"input": run["inputs"]}, SIDE, SIDE)
    parts = [_cubes(page, found, maps), _series(page, points, times), components(page), training(page), done(page)]
    return finish(page, f"{_title(folder, run)} · spaxel", Markup("").join(parts))


class _Pool:
    """One result of all cubes together, without maps: sizes, mean spectra and their spread."""

    def __init__(self) -> None:
        self._first: xr.Dataset | None = None
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, result: xr.Dataset) -> None:
        spectra, spread, size = (result[f"component_{name}"].values for name in ("spectra", "spread", "size"))
        self._parts.append((spectra, spread, size))
        if self._first is None:
            keep = {f"component_{name}" for name in ("spectra", "spread", "size", "color", "paint", "background")}
            left = [name for name in result.data_vars if name not in keep]
            self._first = result.drop_vars([*left, *spectra_names(result)]).load()

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
    return ("y", "x"), small_map(result, "labels", SIDE)


def _title(folder: Path, run: dict[str, Any]) -> str:
    return str(run.get("name") or f"{len(run['inputs'])} cubes")


def _cubes(page: Page, found: dict[str, Presence], maps: dict[str, bytes]) -> Markup:
    """Maps of the cubes, and which components are in which: share; grey where absent, a mark where new."""
    reference = list(page.run.get("reference") or [])
    new = new_here(found, reference)
    cubes = [
        {
            "name": name,
            "cells": [_cell(here, i, new=bool(new[name][i])) for i in range(len(here.names) + 1)],
            "present": f"{here.present[:-1].sum()} of {len(here.names)}",
        }
        for name, here in found.items()
    ]
    pictures = [
        {"name": name, "link": f"{quote(name)}/report.html"} | picture(data, f"labels of {name}")._asdict()
        for name, data in maps.items()
    ]
    return fill(
        "joined",
        cubes=cubes,
        pixels=sum(here.n_pixels for here in found.values()),
        plain=plain_sentence(page.result),
        sentence=str(page.result.attrs.get("sentence", "")),
        key=list(zip(component_rgb(page.result, page.colors), component_names(page.result), strict=True)),
        pictures=pictures,
        reference=reference,
        drifts=[f"{name} {here.drift:.1f}" for name, here in found.items() if here.drift > 1.3],
        unlike=UNLIKE,
    )


def _series(page: Page, points: list[Point], times: Times) -> Markup:
    """The shares against time, with their standard errors and what of them is expected to be wrong; nothing for one cube."""
    if len(points) < 2:
        return Markup("")
    names, colors = component_names(page.result), component_rgb(page.result, page.colors)
    panels = [page.place(plot) for plot in series_figures(points, times, names, colors)]
    lines = sorted(points, key=lambda point: (point.group, point.time))
    return fill(
        "series",
        panels=panels,
        small=[page.place(plot) for plot in own_scales(points, times, names, colors)] if len(points) > 2 else [],
        axis=times.axis,
        named=not times.axis.startswith("number"),
        wrong=any(np.isfinite(point.wrong).any() for point in points),
        key=list(zip(colors, names, strict=True)),
        lines=[(point.cube, [_measured(*numbers) for numbers in zip(*point[3:], strict=True)]) for point in lines],
    )


def _measured(share: float, error: float, wrong: float) -> tuple[str, str]:
    """A share with its standard error, and what of it is expected to be wrong, in per cent; "–" of a background."""
    if not np.isfinite(share):
        return "–", ""
    text = f"{100 * share:.1f}" + (f" ± {100 * error:.1f}" if np.isfinite(error) else "")
    return text, f"{100 * wrong:.1f}" if np.isfinite(wrong) else ""


def _cell(here: Presence, i: int, *, new: bool) -> tuple[str, str]:
    """The share of a component in a cube, and its class in the table."""
    text = percent(here.share[i]) if here.size[i] else "–"
    return text, " new" if new else "" if here.present[i] else " absent"
