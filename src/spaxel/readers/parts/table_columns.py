"""Which columns of a table are channels, positions, names, groups and targets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import canonical_units, note
from spaxel.errors import NotFound, ParameterError, ReadError
from spaxel.readers.parts.axis import parse_cells
from spaxel.readers.parts.table_grid import ALL, Grid, find_grid
from spaxel.readers.parts.table_names import GROUP, ID, is_quantity, position_of, unit_of
from spaxel.readers.parts.table_text import Table

SURE = 64  # spectra from which columns of any name can be positions, if all the rest speaks for it
Wish = bool | str | Sequence[str] | None  # the option grid


class Columns(NamedTuple):
    """Which columns are what, and the cells that number the channels (None: nothing does)."""

    channels: list[int]
    targets: list[int]
    samples: list[int]
    groups: list[int]
    axis: tuple[np.ndarray, str | None] | None


class Places(NamedTuple):
    """Columns of positions (x, y), the grid that they make (None: none), and their unit."""

    columns: tuple[int, int]
    grid: Grid | None
    units: str

    @property
    def mapped(self) -> str | None:
        """The unit of the positions of a map if it is that of a microscope, else ""; None if there is no grid."""
        if self.grid is None:
            return None
        return "um" if canonical_units(self.units) == "um" else ""


def wished(grid: Wish) -> Wish:
    """The option grid: True, False, two names of columns, or None. Raises ParameterError."""
    if isinstance(grid, str):
        word = grid.strip().lower()
        if word in ("yes", "true", "no", "false"):
            return word in ("yes", "true")
        grid = [part.strip() for part in grid.split(",")]
    if grid is not None and not isinstance(grid, bool) and len(grid) != 2:
        raise ParameterError(f"grid={grid!r} is not known. Try yes, no, or the names of the columns x and y, as 'x,y'.")
    return grid


def sort_columns(
    table: Table, names: list[str], aside: set[int], target: Sequence[str], sample: str | None, *, headed: bool
) -> Columns:
    """Sort the columns by their names and cells. aside : columns of positions; target, sample : names that a user gave."""
    for name in (*target, *([sample] if sample is not None else [])):
        if name not in names:
            raise NotFound(f"{table.path} has no column {name!r}. It has: {', '.join(names[:20])}.")
    roles = table.source.roles or {}
    aside = aside | {names.index(name) for name in target} | set(roles)
    aside |= set() if sample is None else {names.index(sample)}
    found, axis = axis_cells(names) if headed else ([], None)
    body = table.values[int(headed) :]
    if axis is not None:
        channels = [at for at in found if at not in aside]
        axis = (np.array([v for at, v in zip(found, axis[0], strict=True) if at not in aside]), axis[1])
    else:
        words = {at for at in range(len(names)) if headed and np.isnan(body[:, at]).all()}
        channels = [at for at in range(len(names)) if at not in aside | words and not _names_rows(names[at], headed)]
        channels = channels or [at for at in range(len(names)) if at not in aside | words]
    if not channels or not len(body):
        raise ReadError(f"{table.path} has no column of numbers under {', '.join(names[:8])} … Try the option header.")
    rest = [at for at in range(len(names)) if at not in channels and names[at] not in target]
    groups = [
        at for at in rest if headed and (GROUP.match(names[at]) or roles.get(at) == "class") and names[at] != sample
    ]
    text = [at for at in rest if at not in groups and headed and (ID.match(names[at]) or table.is_text(at))]
    samples = _samples(table, names, text)
    samples = sorted({*samples, names.index(sample)}) if sample is not None else samples
    groups += [at for at in text if at not in samples and at not in groups]
    numeric = [at for at in range(len(names)) if at not in channels and at not in samples and not table.is_text(at)]
    targets = [at for at in numeric if at not in text or names[at] in target]
    return Columns(channels, targets, samples, sorted(groups), axis)


def _names_rows(name: str, headed: bool) -> bool:
    """Whether numbers under this name only tell rows apart."""
    return headed and bool(name) and (ID.match(name) is not None or GROUP.match(name) is not None)


def _samples(table: Table, names: Sequence[str], text: list[int]) -> list[int]:
    """Columns that name the spectra: those whose own name says so, else a column in which every cell is another one."""
    named = [at for at in text if ID.match(names[at])]
    if named:
        return named
    for at in text:
        cells = table.texts(1, at)
        if len(set(cells)) == len(cells):
            return [at]
    return []


def axis_cells(names: Sequence[str]) -> tuple[list[int], tuple[np.ndarray, str | None] | None]:
    """Columns whose header is an axis value, like 850, '850 nm', or X850 if most have that prefix, and those values."""
    prefixes = [re.split(r"[\d+\-.,]", name.strip(), maxsplit=1)[0] for name in names]
    for prefix in ("", *sorted(set(prefixes) - {""}, key=prefixes.count, reverse=True)[:1]):
        if prefix and prefixes.count(prefix) <= len(names) / 2:
            continue
        bare = [name.strip()[len(prefix) :] for name in names]
        chosen = [at for at, name in enumerate(bare) if prefixes[at] == prefix and parse_cells([name])]
        if chosen and (parsed := parse_cells([bare[at] for at in chosen])):
            return chosen, parsed
        plain = [at for at in chosen if re.fullmatch(r"[-+]?[\d.,]+([eE][-+]?\d+)?", bare[at])]
        if plain:
            return plain, parse_cells([bare[at] for at in plain])
    return [], None


def find_places(
    table: Table, names: Sequence[str], grid: Wish, *, headed: bool, alone: bool = False
) -> tuple[Places | None, str]:
    """(the columns of positions, a sentence for the user), from the option, the names, the layout, or the numbers.

    alone : the table holds nothing but keys of spectra
    A name decides (x, y, row, column, longitude …); two columns without a name before axis values are positions, too, as
    LabSpec writes them. Columns of other names, or of none, are positions only if their numbers are those of a scan: a whole
    grid with equal steps, one spectrum after the other, and not under the name of a quantity such as a concentration.
    """
    if grid is False:
        return None, ""
    if grid is not None and grid is not True:
        return _asked(table, names, (str(grid[0]), str(grid[1]))), ""
    decides = "Option grid decides."
    numeric = [at for at in range(len(names)) if not table.is_text(at)]
    named = {axis: [at for at in numeric if headed and position_of(names[at]) == axis] for axis in "xy"}
    if all(len(found) == 1 for found in named.values()) and (len(names) > 2 or alone):
        found = _places(table, names, named["x"][0], named["y"][0], headed)
        return found, _named_words(table, names, found, grid) if found.grid is None else ""
    unnamed = headed and len(names) > 4 and not any(name.strip() for name in names[:2]) and axis_cells(names[2:])[0]
    if unnamed and (found := _places(table, names, 0, 1, headed)).grid:
        return found, f"{table.path.name}: took the two columns without a name as positions x, y. {decides}"
    if grid is True:
        return _asked(table, names, (names[0], names[1])), ""
    return _by_numbers(table, names, numeric, headed=headed)


def _by_numbers(table: Table, names: Sequence[str], numeric: list[int], *, headed: bool) -> tuple[Places | None, str]:
    """Positions by their numbers alone."""
    free = [at for at in numeric if at not in axis_cells(names)[0]] if headed else numeric
    free = free[:4] if headed else [*numeric[:2], *numeric[-2:]] if len(numeric) > 4 else []
    pairs = list(combinations(free, 2)) if headed else [(free[0], free[1]), (free[2], free[3])] if free else []
    for a, b in pairs:
        found = _places(table, names, a, b, headed)
        grid = found.grid
        if grid is None or grid.filled < ALL or grid.scanned < ALL or min(grid.shape) < 3:
            continue
        called = (
            f"{names[a] or 'column 1'!r} and {names[b] or 'column 2'!r}" if headed else f"columns {a + 1} and {b + 1}"
        )
        size = f"{grid.shape[0]} x {grid.shape[1]}"
        if not headed or (len(table.values) > SURE and not is_quantity(names[a]) and not is_quantity(names[b])):
            took = f"{table.path.name}: took {called} as positions x, y of an image of {size} pixels"
            return found, f"{took}, since they are a whole grid, scanned line by line. Option grid decides."
        return None, (
            f"{table.path.name}: {called} would make an image of {size} pixels; took them as targets, not as positions. "
            "Option grid decides."
        )
    return None, ""


def _places(table: Table, names: Sequence[str], x: int, y: int, headed: bool) -> Places:
    found = find_grid(table.values[int(headed) :, x], table.values[int(headed) :, y])
    units = [unit_of(names[at]) for at in (x, y)] if headed else ["", ""]
    return Places((x, y), found, units[0] if units[0] == units[1] else "")


def _named_words(table: Table, names: Sequence[str], found: Places, grid: Wish) -> str:
    """What is said where named positions are no grid; ReadError if the user asked for one."""
    called = " and ".join(repr(names[at]) for at in found.columns)
    sentence = f"{table.path.name}: {called} are positions, but not those of a grid"
    if grid is True:
        raise ReadError(
            f"{sentence}: few values that come again in equal steps, and one spectrum at each. Try grid=no."
        )
    return f"{sentence}; took the spectra as a list. Option grid decides."


def _asked(table: Table, names: Sequence[str], wanted: tuple[str, str]) -> Places:
    """The positions that a user named. Raises NotFound, ReadError."""
    for name in wanted:
        if name not in names:
            raise NotFound(f"{table.path} has no column {name!r}. It has: {', '.join(names[:20])}.")
    at = names.index(wanted[0]), names.index(wanted[1])
    headed = int(not table.is_number(table.rows[0][at[0]]))
    table.numbers(headed, at)
    found = _places(table, names, *at, bool(headed))
    if found.grid is None:
        raise ReadError(
            f"{table.path}: {wanted[0]!r} and {wanted[1]!r} are not the positions of a grid: few values that come again in "
            "equal steps, and one spectrum at each. Try grid=no."
        )
    return found


def with_columns(cube: xr.Dataset, table: Table, columns: Columns, names: Sequence[str], *, headed: bool) -> xr.Dataset:
    """The cube with targets, names (`sample`) and groups (`group`) of its spectra."""
    for at in columns.targets:
        word = re.sub(r"\W+", "_", names[at]).strip("_")
        name = f"target_{word or at + 1}"
        cube = cube.assign({name: (("y", "x"), table.numbers(int(headed), [at]))})
        cube = note(cube, f"column {names[at]!r} kept as {name}, not a channel")
    for name, chosen in (("sample", columns.samples), ("group", columns.groups)):
        cells = [table.texts(int(headed), at) for at in chosen]
        joined = [" ".join(filter(None, row)) for row in zip(*cells, strict=True)]
        if any(joined):
            cube = cube.assign_coords({name: ("y", np.array(joined))})
    return cube
