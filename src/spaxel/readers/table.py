"""Tables of spectra as text (CSV, TSV, maps of Raman microscopes): a list of spectra is a cube of width 1, a grid an image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import ParameterError, ReadError
from spaxel.readers.parts.axis import Axis, is_spectral, parse_cells
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.parts.table_axis import guess_units, pixel_units, told_units
from spaxel.readers.parts.table_columns import Places, Wish, axis_cells, find_places, sort_columns, wished, with_columns
from spaxel.readers.parts.table_grid import as_image
from spaxel.readers.parts.table_long import Long, find_long, pivot
from spaxel.readers.parts.table_names import ID, bare, position_of
from spaxel.readers.parts.table_text import Table, read_table
from spaxel.readers.parts.text_lines import decode
from spaxel.store.cells import uncelled


def open_table(
    path: str | Path,
    *,
    orientation: Literal["rows", "columns"] | None = None,
    header: bool | None = None,
    target: str | Sequence[str] | None = None,
    id: str | None = None,
    grid: bool | str | Sequence[str] | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    separator: str | None = None,
    decimal: Literal[".", ","] | None = None,
) -> xr.Dataset:
    """The spectra of a text table as a cube (n, 1, channel), or an image (y, x, channel), of float64, loaded.

    orientation : "rows", one spectrum per row under a header with the axis values, or "columns", the axis in the first
                  column and one spectrum in each other one; else found from the header or from what increases. The long
                  format, one value per row under names such as x, y, wave, intensity, is found by its names
    header      : whether the first row is a header
    target, id  : columns that are no channels; else those whose header is no axis value. Numbers are kept as
                  `target_<name> (y, x)`; the names of spectra as the coordinate `sample (y)`, classes as `group (y)`
    grid        : whether columns of positions make an image ("yes", "no"), or which do ("x,y"); else found by their names,
                  by the layout, or by their numbers
    channel     : axis values, a file, "file:variable", or "index"     units : of the axis
    separator   : "," ";" "\\t" or " "     decimal : "." or ","; both are found if not given
    Missing cells (empty, NA) and places of an image without a spectrum are NaN. Images have attrs pixel_size, pixel_units.
    Raises ReadError (empty, ragged, a cell that is no number: line and column are named), NotFound, AxisError.
    """
    path = Path(path)
    if orientation not in (None, "rows", "columns"):
        raise ParameterError(f"orientation={orientation!r} is not known. Try 'rows' or 'columns'.")
    grid = wished(grid)
    table = read_table(path, separator, decimal)
    guesses: list[str] = []
    headed = _has_header(table, header, guesses)
    names = (
        [uncelled(name.strip()) for name in table.rows[0]]
        if headed
        else [str(n + 1) for n in range(len(table.rows[0]))]
    )
    long = find_long(table, names if headed else None) if orientation is None and header is not False else None
    if long and (long.told or grid is not False):
        return _from_long(table, long, names, (channel, units, grid), headed=headed)
    if orientation == "columns" or (orientation is None and _is_turned(table, guesses, headed=headed)):
        return _from_columns(table, channel, units, guesses, headed=headed)
    places, said = find_places(table, names, grid, headed=headed)
    aside = set(places.columns) if places else set()
    wanted = [target] if isinstance(target, str) else list(target or [])
    columns = sort_columns(table, names, aside, wanted, id, headed=headed)
    found = columns.axis and Axis(*columns.axis, f"the header of {path.name}", "header")
    hints = {"blank": not any(names[:2]), "mapped": places.mapped if places else None}
    values, told, doubt = _settled(table, found, len(columns.channels), channel, units, **hints)
    spectra = table.numbers(int(headed), columns.channels)[:, None, :]
    cube = _made(table, spectra, values, told)
    if places and places.grid:
        columns = columns._replace(targets=[at for at in columns.targets if at not in places.columns])
        columns = columns._replace(samples=[], groups=[])
    cube = with_columns(cube, table, columns, names, headed=headed)
    return _guessed(_laid(cube, places, table), [*guesses, *([said] if said else []), *doubt])


def _made(table: Table, spectra: np.ndarray, values: np.ndarray | None, units: str | None) -> xr.Dataset:
    """The cube; what was left out of the file is in its history."""
    cube = make_cube(spectra, values, units, source=str(table.path))
    return note(cube, f"{table.before} lines before the table are left out") if table.before else cube


def _laid(cube: xr.Dataset, places: Places | None, table: Table) -> xr.Dataset:
    """The list of spectra as an image, where their positions are those of a grid."""
    if places is None or places.grid is None:
        return cube
    grid = places.grid
    cube = as_image(cube, grid, places.units or pixel_units(table.comments))
    empty = grid.shape[0] * grid.shape[1] - len(grid.row)
    gaps = f"; {empty} of them hold no spectrum" if empty else ""
    return note(cube, f"positions laid as an image of {grid.shape[0]} x {grid.shape[1]} pixels{gaps}")


def _settled(
    table: Table,
    found: Axis | None,
    n: int,
    channel: str | Sequence[float] | None,
    units: str | None,
    **hints: Any,
) -> tuple[np.ndarray | None, str | None, list[str]]:
    """Axis, unit and guesses: the unit from the header, else from the comments, else from what such files are like.

    hints : see spaxel.readers.parts.table_axis.guess_units
    """
    if found is not None and channel is None and units is None and not found.units:
        found = found._replace(units=told_units(table.comments) or None)
        if not found.units and (guess := guess_units(table.path.name, found, **hints)):
            found = found._replace(units=guess.units, guesses=(*found.guesses, guess.sentence))
    return settle_axis(table.path, found, n, channel, units)


def _has_header(table: Table, header: bool | None, guesses: list[str]) -> bool:
    if header is not None or table.source.lead:
        return header is not False
    first, rest = table.rows[0], table.rows[1:4]
    if any(cell.strip() and not table.is_number(cell) for cell in first):
        return True
    if not first[0].strip() and all(row[0].strip() for row in rest):
        return True
    if len(first) < 3 or not rest or not _is_sorted(table, first):
        return False
    if any(_is_sorted(table, row) for row in rest):
        return False
    guesses.append(f"{table.path.name}: took the first row as axis values, since it increases. Option header decides.")
    return True


def _is_turned(table: Table, guesses: list[str], *, headed: bool) -> bool:
    """Whether each column is a spectrum, the axis in the first column."""
    if len(table.rows[0]) < 2 or len(table.values) < 3 + headed or table.is_text(0):
        return False
    first = table.values[int(headed) :, 0]
    if headed:
        names = table.rows[0]
        numbered = parse_cells(names) is not None  # "850 nm" in the first cell is a value and not the name of a column
        if is_spectral(bare(names[0])) and not numbered and np.isfinite(first).all():
            return True
        if sum(table.is_number(cell) for cell in names) or axis_cells(names)[0] or ID.match(names[0].strip()):
            return False
        if len(names) > 2 and position_of(names[0]):
            return False
    steps = np.diff(first)
    if not ((steps > 0).all() or (steps < 0).all()):
        return False
    guesses.append(
        f"{table.path.name}: took the first column, which is sorted, as the axis and each other one as a spectrum. "
        "Option orientation decides."
    )
    return True


def _is_sorted(table: Table, cells: Sequence[str]) -> bool:
    try:
        steps = np.diff([table.number(cell) for cell in cells])
    except ValueError:
        return False
    return bool((steps > 0).all() or (steps < 0).all())


def _from_columns(
    table: Table, channel: str | Sequence[float] | None, units: str | None, guesses: list[str], *, headed: bool
) -> xr.Dataset:
    if len(table.rows[0]) < 2:
        raise ReadError(f"{table.path} has one column: no spectrum is left beside the axis. Try orientation='rows'.")
    values = table.numbers(int(headed), range(len(table.rows[0])))
    name = table.rows[0][0] if headed else "column 1"
    found = Axis(values[:, 0], None, f"{name} of {table.path.name}", name)
    axis, told, doubt = _settled(table, found, len(values), channel, units)
    cube = _made(table, values[:, 1:].T[:, None, :], axis, told)
    cube = (
        cube.assign_coords(sample=("y", np.array([uncelled(name) for name in table.rows[0][1:]]))) if headed else cube
    )
    return _guessed(cube, guesses + doubt)


def _from_long(
    table: Table,
    long: Long,
    names: Sequence[str],
    asked: tuple[str | Sequence[float] | None, str | None, Wish],
    *,
    headed: bool,
) -> xr.Dataset:
    """The cube of a table in the long format. asked : the options channel, units and grid"""
    channel, units, grid = asked
    spectra, axis, begins = pivot(table, long, int(headed))
    name = names[long.axis] if long.told else "column 3"
    values, told, doubt = _settled(
        table, Axis(axis, None, f"{name} of {table.path.name}", name), len(axis), channel, units
    )
    cube = _made(table, spectra[:, None, :], values, told)
    keys = ["x", "y"] if not long.told else [names[at] for at in long.keys]
    if not long.told:
        doubt = [f"{table.path.name}: took its columns as x, y, axis, value. Option orientation decides.", *doubt]
    places, said = find_places(_keys(table, long, begins, keys), keys, grid, headed=True, alone=True)
    if places is None or places.grid is None:
        owners = [np.array(table.texts(0, at))[begins] for at in long.keys]
        cube = cube.assign_coords(sample=("y", np.array([" ".join(row) for row in zip(*owners, strict=True)])))
    return _guessed(_laid(cube, places, table), [*([said] if said else []), *doubt])


def _keys(table: Table, long: Long, begins: np.ndarray, names: list[str]) -> Table:
    """The keys of the spectra of a table in the long format, one row for each, as a table of their own."""
    values = np.vstack([np.full(len(names), np.nan), table.values[begins][:, long.keys]])
    bad = {i: table.bad[at] for i, at in enumerate(long.keys) if at in table.bad}
    return table._replace(rows=[names] * 3, values=values, bad=bad)


def _guessed(cube: xr.Dataset, guesses: Sequence[str]) -> xr.Dataset:
    for sentence in guesses:
        cube = note_guess(cube, sentence)
    return cube


def _sniff(path: Path, head: bytes) -> bool:
    if not head or path.is_dir() or (b"\0" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff")):
        return False
    text = "\n".join(
        line for line in decode(head[: len(head) // 2 * 2]).splitlines() if line.lstrip()[:1] not in ("#", "%")
    )
    words = [word for word in re.split(r"[\s;,]+", text) if word]
    like = sum(re.match(r"^[-+]?[\d.]+([eE][-+]?\d+)?\D{0,3}$", word) is not None for word in words)
    return bool(words) and like >= len(words) * (0.1 if path.suffix.lower() in (".csv", ".tsv", ".tab") else 0.5)


reader = Reader(
    "table",
    "a text table of spectra",
    (".csv", ".tsv", ".txt", ".asc", ".tab", ".xyz", ".dpt"),
    _sniff,
    open_table,
    formats=(
        Format(
            "tables and maps of spectra as text (LabSpec, WiRE, Orange)",
            ".csv, .tsv, .txt, .xyz, .tab, .dpt",
            "no",
            "the header, or the first column",
            "empty cells, NA, places without a spectrum",
        ),
    ),
)
