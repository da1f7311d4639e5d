"""Tables of spectra as text (CSV, TSV): a list of spectra is a cube of width 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import NotFound, ParameterError, ReadError
from spaxel.readers.parts.axis import Axis, is_spectral, parse_cells
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.parts.table_text import Table, decode, read_table
from spaxel.readers.registry import Reader

_ID = re.compile(r"^(|unnamed.*|id|ids|index|nr|no|sample|sample_?id|name)$", re.IGNORECASE)


class _Columns(NamedTuple):
    """Which columns are channels, targets and names, and the cells that number the channels (None: nothing does)."""

    channels: list[int]
    targets: list[int]
    names: list[int]
    axis: tuple[np.ndarray, str | None] | None


def open_table(
    path: str | Path,
    *,
    orientation: Literal["rows", "columns"] | None = None,
    header: bool | None = None,
    target: str | Sequence[str] | None = None,
    id: str | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    separator: str | None = None,
    decimal: Literal[".", ","] | None = None,
) -> xr.Dataset:
    """The spectra of a text table as a cube (n, 1, channel) of float64, loaded; missing cells (empty, NA) are NaN.

    orientation : "rows", one spectrum per row under a header with the axis values, or "columns", the axis in the first
                  column and one spectrum in each other one; else found from the header or from what increases
    header      : whether the first row is a header
    target, id  : columns that are no channels; else those whose header is no axis value. Numbers are kept as
                  `target_<name> (y, x)`, text as the coordinate `id (y)`
    channel     : axis values, a file, "file:variable", or "index"     units : of the axis
    separator   : "," ";" "\\t" or " "     decimal : "." or ","; both are found if not given
    Raises ReadError (empty, ragged, a cell that is no number: line and column are named), NotFound, AxisError.
    """
    path = Path(path)
    if orientation not in (None, "rows", "columns"):
        raise ParameterError(f"orientation={orientation!r} is not known. Try 'rows' or 'columns'.")
    table = read_table(path, separator, decimal)
    guesses: list[str] = []
    headed = _has_header(table, header, guesses)
    turned = orientation == "columns" if orientation else _is_turned(table, guesses, headed=headed)
    if turned:
        return _from_columns(table, channel, units, guesses, headed=headed)
    columns = _sort_columns(table, target, id, headed=headed)
    found = columns.axis and Axis(*columns.axis, f"the header of {path.name}", "header")
    values, told, doubt = settle_axis(path, found, len(columns.channels), channel, units)
    spectra = table.numbers(int(headed), columns.channels)[:, None, :]
    cube = make_cube(spectra, values, told, source=str(path))
    return _guessed(_with_columns(cube, table, columns, headed=headed), guesses + doubt)


def _has_header(table: Table, header: bool | None, guesses: list[str]) -> bool:
    if header is not None:
        return header
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
    if len(table.rows[0]) < 2 or len(table.rows) < 3 + headed:
        return False
    first = [row[0] for row in table.rows[headed:]]
    if headed:
        names = table.rows[0]
        numbered = parse_cells(names) is not None  # "850 nm" in the first cell is a value and not the name of a column
        if is_spectral(names[0]) and not numbered and all(table.is_number(cell) for cell in first):
            return True
        if sum(table.is_number(cell) for cell in names) or _axis_cells(table, names)[0] or _ID.match(names[0].strip()):
            return False
    if not all(table.is_number(cell) for cell in first) or not _is_sorted(table, first):
        return False
    guesses.append(
        f"{table.path.name}: took the first column, which is sorted, as the axis and each other one as a spectrum. "
        "Option orientation decides."
    )
    return True


def _is_sorted(table: Table, cells: Sequence[str]) -> bool:
    steps = np.diff([table.number(cell) for cell in cells])
    return bool((steps > 0).all() or (steps < 0).all())


def _from_columns(
    table: Table, channel: str | Sequence[float] | None, units: str | None, guesses: list[str], *, headed: bool
) -> xr.Dataset:
    if len(table.rows[0]) < 2:
        raise ReadError(f"{table.path} has one column: no spectrum is left beside the axis. Try orientation='rows'.")
    values = table.numbers(int(headed), range(len(table.rows[0])))
    name = table.rows[0][0] if headed else "column 1"
    found = Axis(values[:, 0], None, f"{name} of {table.path.name}", name)
    axis, told, doubt = settle_axis(table.path, found, len(values), channel, units)
    cube = make_cube(values[:, 1:].T[:, None, :], axis, told, source=str(table.path))
    cube = cube.assign_coords(id=("y", np.array(table.rows[0][1:]))) if headed else cube
    return _guessed(cube, guesses + doubt)


def _axis_cells(table: Table, names: Sequence[str]) -> tuple[list[int], tuple[np.ndarray, str | None] | None]:
    """Columns whose header is an axis value, like 850, '850 nm', or X850 if most have that prefix, and those values."""
    prefixes = [re.split(r"[\d+\-.,]", name.strip(), maxsplit=1)[0] for name in names]
    for prefix in ("", *sorted(set(prefixes) - {""}, key=prefixes.count, reverse=True)[:1]):
        if prefix and prefixes.count(prefix) <= len(names) / 2:
            continue
        bare = [name.strip()[len(prefix) :] for name in names]
        chosen = [at for at, name in enumerate(bare) if prefixes[at] == prefix and parse_cells([name])]
        if chosen:
            return chosen, parse_cells([bare[at] for at in chosen])
    return [], None


def _sort_columns(table: Table, target: str | Sequence[str] | None, id: str | None, *, headed: bool) -> _Columns:
    names = [name.strip() for name in table.rows[0]] if headed else [str(n + 1) for n in range(len(table.rows[0]))]
    wanted = [target] if isinstance(target, str) else list(target or [])
    for name in (*wanted, *([id] if id is not None else [])):
        if name not in names:
            raise NotFound(f"{table.path} has no column {name!r}. It has: {', '.join(names[:20])}.")
    aside = {names.index(name) for name in wanted} | ({names.index(id)} if id is not None else set())
    body = table.rows[int(headed) :]
    found, axis = _axis_cells(table, names) if headed else ([], None)
    if axis is not None:
        channels = [at for at in found if at not in aside]
        axis = (np.array([v for at, v in zip(found, axis[0], strict=True) if at not in aside]), axis[1])
    else:
        words = {at for at in range(len(names)) if headed and not any(table.is_number(row[at]) for row in body)}
        channels = [at for at in range(len(names)) if at not in aside | words]
    rest = [at for at in range(len(names)) if at not in channels]
    text = [
        at for at in rest if _is_name(table, names[at], [row[at] for row in body], headed=headed) or names[at] == id
    ]
    if not channels or not body:
        raise ReadError(f"{table.path} has no column of numbers under {', '.join(names[:8])} … Try the option header.")
    return _Columns(channels, [at for at in rest if at not in text or names[at] in wanted], text, axis)


def _is_name(table: Table, name: str, cells: Sequence[str], *, headed: bool) -> bool:
    return headed and (_ID.match(name) is not None or not all(table.is_number(c) or not c.strip() for c in cells))


def _with_columns(cube: xr.Dataset, table: Table, columns: _Columns, *, headed: bool) -> xr.Dataset:
    names = [name.strip() for name in table.rows[0]] if headed else [str(n + 1) for n in range(len(table.rows[0]))]
    for at in columns.targets:
        word = re.sub(r"\W+", "_", names[at]).strip("_")
        name = f"target_{word or at + 1}"
        cube = cube.assign({name: (("y", "x"), table.numbers(int(headed), [at]))})
        cube = note(cube, f"column {names[at]!r} kept as {name}, not a channel")
    ids = [[row[at].strip() for at in columns.names] for row in table.rows[int(headed) :]]
    if columns.names and any(any(row) for row in ids):
        cube = cube.assign_coords(id=("y", np.array([" ".join(row) for row in ids])))
    return cube


def _guessed(cube: xr.Dataset, guesses: Sequence[str]) -> xr.Dataset:
    for sentence in guesses:
        cube = note_guess(cube, sentence)
    return cube


def _sniff(path: Path, head: bytes) -> bool:
    if not head or path.is_dir() or (b"\0" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff")):
        return False
    words = [word for word in re.split(r"[\s;,]+", decode(head[: len(head) // 2 * 2])) if word]
    like = sum(re.match(r"^[-+]?[\d.]+([eE][-+]?\d+)?\D{0,3}$", word) is not None for word in words)
    return bool(words) and like >= len(words) * (0.1 if path.suffix.lower() in (".csv", ".tsv") else 0.5)


reader = Reader("table", "a text table of spectra", (".csv", ".tsv", ".txt", ".asc"), _sniff, open_table)
