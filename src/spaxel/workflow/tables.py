"""The tables of a run, as CSV that other programs read: components, abundances, and which components are in which cube."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.exporting.tables import component_columns, component_rows, spectra_rows
from spaxel.figures.palette import component_colors, painted, palette
from spaxel.results.convention import component_names, given_names, is_background, shares, spectra_names
from spaxel.results.presence import UNLIKE, Presence
from spaxel.results.series import point, times_of
from spaxel.store.cells import TableWriter
from spaxel.store.places import placed
from spaxel.store.run_folder import ACTIVATION, SHARES

COMPONENTS, SPECTRA, ABUNDANCES, LABELS = "components.csv", "spectra.csv", "abundances.csv", "labels.csv"
BESIDE = {"presence": "presence", "abundance_error": "abundance error"}  # map -> what its columns are called
MOST_SPECTRA = 100_000  # whose abundances are written as text too
COLUMNS = ("cube", "component", "name", "n_pixels", "share", "present", "new", "explained", "p")  # of activation.csv


def write_components(folder: Path, result: xr.Dataset) -> list[Path]:
    """components.csv (names, sizes, shares, areas) and spectra.csv (mean and spread along the axis). Returns the paths.

    See spaxel.exporting.tables for their columns.
    """
    header, *rows = component_rows(component_columns(result))
    written = [write_table(folder, COMPONENTS, header, rows)]
    if "component_spectra" in result:
        header, *rows = spectra_rows(result)
        written.append(write_table(folder, SPECTRA, header, rows))
    return written


def write_abundances(folder: Path, result: xr.Dataset) -> Path | None:
    """abundances.csv of at most 100,000 spectra: names, groups, y, x, abundances, residual. Returns its path.

    Where a library was unmixed, the presence and the standard error of each component follow.
    """
    k, names, n = result.sizes["component"], component_names(result), result.sizes["y"] * result.sizes["x"]
    if n > MOST_SPECTRA:
        return None
    y, x = np.divmod(np.arange(n), result.sizes["x"])
    beside = {name: word for name, word in BESIDE.items() if name in result}
    maps = [result[name].values.reshape(n, k) for name in beside]
    rows = np.column_stack([y, x, result["abundances"].values.reshape(n, k), result["residual"].values.ravel(), *maps])
    called = spectra_names(result)
    cells = ([f"{value:.7g}" for value in row] for row in rows)
    lines = (list(own) + line for own, line in zip(_called(called, n), cells, strict=True))
    header = [*called, "y", "x", *names, "residual", *(f"{name} {word}" for word in beside.values() for name in names)]
    return write_table(folder, ABUNDANCES, header, lines)


def write_recipe(folder: Path, pooled: xr.Dataset, run: Mapping[str, Any]) -> Path:
    """components.csv of a kept cut: number, name, colour, background, pixels in all cubes, share. Returns its path.

    pooled : the components without maps, see spaxel.results.regrouping      run : run.json, whose dealt colours are kept
    """
    grey, size = is_background(pooled), pooled["component_size"].values
    colors = painted(pooled, component_colors(pooled, dealt=run.get("colors") or palette(1)))
    rows = [
        (k, name, color, _word(grey[k]), int(size[k]), f"{share:.6f}" if np.isfinite(share) else "")
        for k, (name, color, share) in enumerate(zip(given_names(pooled), colors, shares(pooled), strict=True))
    ]
    return write_table(folder, COMPONENTS, ("component", "name", "color", "background", "n_pixels", "share"), rows)


def write_labels(folder: Path, result: xr.Dataset) -> Path | None:
    """labels.csv of a list of spectra, with their names and groups where their table has them; None for an image.

    Columns: sample, group, y, label (-1 = no data), component (its name), confidence. Returns the path.
    """
    labels = result["labels"].values
    if labels.shape[1] != 1:
        return None
    called, names = spectra_names(result), component_names(result)
    sure = result["confidence"].values[:, 0] if "confidence" in result else np.full(len(labels), np.nan)
    rows = (
        [*own, y, label, names[label] if label >= 0 else "", f"{confidence:.4f}" if np.isfinite(confidence) else ""]
        for own, y, label, confidence in zip(
            _called(called, len(labels)), range(len(labels)), labels[:, 0], sure, strict=True
        )
    )
    return write_table(folder, LABELS, [*called, "y", "label", "component", "confidence"], rows)


def _called(names: Mapping[str, tuple[str, list[str]]], n: int) -> Iterable[tuple[str, ...]]:
    """Names and groups of n spectra, one after the other."""
    return zip(*(values for _, values in names.values()), strict=True) if names else ((),) * n


def write_activation(folder: Path, found: Mapping[str, Presence], new: Mapping[str, np.ndarray]) -> Path:
    """activation.csv: one line per cube and component, and one for the pixels unlike anything. Returns its path.

    found : presence in each cube       new : of each cube, (component + 1,) bool, see spaxel.results.presence.new_here
    """
    return write_table(folder, ACTIVATION, COLUMNS, _activation(found, new))


def write_shares(folder: Path, results: Mapping[str, xr.Dataset]) -> Path:
    """shares.csv of a series: the share of each component in each cube, with its standard error, what of it is expected to be
    wrong, and the time. Returns its path.

    The time is the number that the names of the cubes hold, see spaxel.results.series; a background has no share.
    """
    times = times_of(list(results))
    rows = []
    for (cube, result), time, group in zip(results.items(), times.time, times.group, strict=True):
        found, names = point(cube, group, time, result), given_names(result)
        for k, numbers in enumerate(zip(found.share, found.error, found.wrong, strict=True)):
            rows.append(
                (cube, group, f"{time:g}", k, names[k], *(f"{v:.6f}" if np.isfinite(v) else "" for v in numbers))
            )
    header = ("cube", "group", "time", "component", "name", "share", "standard_error", "expected_wrong")
    return write_table(folder, SHARES, header, rows)


def _activation(found: Mapping[str, Presence], new: Mapping[str, np.ndarray]) -> list[tuple]:
    """Rows in the order of COLUMNS; the pixels unlike anything have no number of a component."""
    rows = []
    for cube, here in found.items():
        names = [name if name != f"component {i}" else "" for i, name in enumerate(here.names)]
        for i, name in enumerate([*names, UNLIKE]):
            numbers = f"{here.share[i]:.6f}", _word(here.present[i]), _word(new[cube][i])
            test = f"{here.explained[i]:.1f}", f"{here.p[i]:.3g}"
            rows.append((cube, i if i < len(names) else "", name, int(here.size[i]), *numbers, *test))
    return rows


def write_table(folder: Path, name: str, header: Sequence[str], rows: Iterable[Sequence]) -> Path:
    """A table as CSV, in place of an older one. Returns its path."""
    with placed(folder, name) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        table = TableWriter(file)
        table.row(header)
        table.rows(rows)
    return folder / name


def _word(value: bool | np.bool_, /) -> str:
    return "yes" if value else "no"
