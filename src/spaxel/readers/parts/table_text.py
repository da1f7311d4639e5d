"""Text to numbers: encoding, separator, decimal comma, comments; the place of a bad cell. Read in one pass, line by line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spaxel.errors import ReadError
from spaxel.readers.parts.table_names import commented_header, orange_header
from spaxel.readers.parts.text_lines import Source, comments, cut, data_lines, encoding_of, find_separator
from spaxel.store.cells import uncelled

MISSING = {"", "na", "n/a", "nan", "null", "-", "?"}
HEAD = 200  # rows whose cells are kept as text
BLOCK = 512  # lines that are parsed at once
CELLS = 2**17  # that are parsed at once where some are no numbers
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*$")


class Table(NamedTuple):
    """The cells of a text file as numbers.

    rows   : cells of the first 200 rows as text; row 0 may be a header      values : (row, column) of all rows, NaN where a
             cell is missing or no number      lines : (row,) the line of the file      bad : column -> (row, cell) of its
             first cell below row 0 that is neither a number nor missing      comma : numbers have a decimal comma
    comments : lines before the table, those that begin with # or % and others; before : how many of these others
    """

    path: Path
    rows: list[list[str]]
    values: np.ndarray
    lines: np.ndarray
    bad: dict[int, tuple[int, str]]
    source: Source
    comma: bool
    comments: list[str]
    before: int

    def number(self, cell: str) -> float:
        """A cell as a number, NaN where it is missing; ValueError if it is something else."""
        return number(cell, comma=self.comma)

    def is_number(self, cell: str) -> bool:
        """Whether a cell holds a number; a missing one does not."""
        try:
            return cell.strip().lower() not in MISSING and self.number(cell) is not None
        except ValueError:
            return False

    def is_text(self, column: int) -> bool:
        """Whether a column holds a cell below row 0 that is no number."""
        return column in self.bad

    def numbers(self, first_row: int, columns: Sequence[int]) -> np.ndarray:
        """(row, column) float64 from `first_row` on; ReadError names the line and column of a bad cell."""
        for column in columns:
            first = self.rows[0][column]
            if not first_row and first.strip().lower() not in MISSING and not self.is_number(first):
                self._refuse(0, column, first)
            if column in self.bad:
                self._refuse(*self.bad[column][:1], column, self.bad[column][1])
        columns = list(columns)
        run = columns == list(range(columns[0], columns[0] + len(columns))) if columns else False
        return self.values[first_row:, columns[0] : columns[-1] + 1] if run else self.values[first_row:, columns]

    def texts(self, first_row: int, column: int) -> list[str]:
        """The cells of a column as text, from `first_row` on; the file is read once more."""
        if len(self.rows) == len(self.values):
            return [uncelled(row[column].strip()) for row in self.rows[first_row:]]
        return [uncelled(cells[column].strip()) for _, cells in self.source.rows()][first_row:]

    def _refuse(self, at: int, column: int, cell: str) -> None:
        name = f" ({self.rows[0][column].strip()})" if at else ""
        raise ReadError(
            f"{self.path}: line {self.lines[at]}, column {column + 1}{name} holds {cell.strip()[:40]!r}, which is no number. "
            "Try to correct it, the option decimal, or to name that column with the option id."
        )


def number(cell: str, *, comma: bool) -> float:
    """A cell as a number, NaN where it is missing; ValueError if it is something else."""
    text = cell.strip()
    if text.lower() in MISSING:
        return float("nan")
    return float(text.replace(",", ".") if comma else text)


def read_table(path: Path, separator: str | None, decimal: str | None) -> Table:
    """The cells of a text file. Empty lines and lines that begin with # or % are left out.

    separator : "," ";" "\\t" or " " (any white space); None looks for it     decimal : "." or ","; None looks for it
    Memory: the numbers, and a line at a time. Raises ReadError: no cell at all, or rows of unequal length (a line is named).
    """
    encoding, n_lines, last = encoding_of(path)
    if not n_lines:
        raise ReadError(f"{path} holds no table: every line is empty or a comment.")
    first = [line for _, line in islice(data_lines(path, encoding, 0), HEAD)]
    separator = separator or find_separator(first[len(first) // 2 :][:20])
    source, width, before = _source(Source(path, encoding, separator), last)
    rows = [cells for _, cells in islice(source.rows(), HEAD)]
    comma = separator != "," and any(_DECIMAL_COMMA.match(cell) for row in rows[:20] for cell in row)
    comma = comma if decimal is None else decimal == ","
    values, lines, bad = _parse(source, n_lines + 1, width, comma)
    return Table(path, rows, values, lines, bad, source, comma, [*comments(path, encoding), *first[:before]], before)


def _source(plain: Source, last: tuple[int, str]) -> tuple[Source, int, int]:
    """(how the rows are read, their width, lines before them that are no part of the table).

    A header that lacks the names of one or two first columns gets them; words at the end of the file are left out.
    last : the last line of the file
    """
    known = list(islice(plain.rows(), HEAD))
    width = Counter(len(cells) for _, cells in known).most_common(1)[0][0]
    ending = next(cut(plain.path, iter([last]), plain.separator), (0, []))[1]
    if len(known) > 2 and len(ending) != width and not re.search(r"\d", last[1]):
        plain = plain._replace(end=last[0] - 1)
        known = [row for row in known if row[0] < last[0]]
    before = _preamble([cells for _, cells in known], width)
    if before:
        plain, known = plain._replace(skip=known[before - 1][0]), known[before:]
    line, cells = known[0]
    if len(cells) in (width - 1, width - 2) and len(cells) > 2 and all(len(c) == width for _, c in known[1:]):
        return plain._replace(lead=(line, [""] * (width - len(cells)) + cells), skip=line), width, before
    if orange := orange_header([cells for _, cells in known[:3]]):
        end = known[orange.rows - 1][0]
        return plain._replace(lead=(line, orange.names), skip=end, roles=orange.roles), width, before
    found = None if before else commented_header(comments(plain.path, plain.encoding), plain.separator, width)
    return plain._replace(lead=(0, found)) if found else plain, width, before


def _preamble(rows: list[list[str]], width: int) -> int:
    """How many rows before a table are no part of it: others in width, while from there on all rows have that of the table.

    A row that lacks the names of one or two first columns is a header.
    """
    before = next((i for i, cells in enumerate(rows) if len(cells) == width), 0)
    whole = (
        width > 1 and len(rows) - before > max(2, before / 4) and all(len(cells) == width for cells in rows[before:])
    )
    if before == 1 and len(rows[0]) in (width - 1, width - 2) and len(rows[0]) > 2:
        return 0
    return before if whole else 0


def _parse(
    source: Source, n_rows: int, width: int, comma: bool
) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[int, str]]]:
    """Values, lines and bad cells of a Table: blocks of lines at once where all cells are numbers, else cell by cell."""
    values, lines = np.full((n_rows, width), np.nan), np.zeros(n_rows, np.int64)
    bad: dict[int, tuple[int, str]] = {}
    first = [source.lead] if source.lead else []
    text = source.lines()
    at = 0
    while first or (block := list(islice(text, BLOCK if at else 1))):  # the first row may be a header
        numbers = None if first else _numbers_at_once([line for _, line in block], source.separator, comma)
        if numbers is not None and numbers.shape == (len(block), width):
            values[at : at + len(block)], lines[at : at + len(block)] = numbers, [line for line, _ in block]
            at += len(block)
            continue
        cells = iter(first) if first else cut(source.path, iter(block), source.separator)
        while rows := list(islice(cells, max(1, CELLS // width))):
            _check_width(source, rows, width)
            lines[at : at + len(rows)] = [line for line, _ in rows]
            for column, texts in enumerate(zip(*(row for _, row in rows), strict=True)):
                values[at : at + len(rows), column] = _parse_column(texts, column, at, bad, comma)
            at += len(rows)
        first = []
    return values[:at], lines[:at], bad


def _check_width(source: Source, rows: list[tuple[int, list[str]]], width: int) -> None:
    """ReadError if a row has more or fewer cells than the others."""
    for line, cells in rows:
        if len(cells) != width:
            raise ReadError(
                f"{source.path}: line {line} has {len(cells)} cells, the others have {width} (separator "
                f"{source.separator!r}). Try to correct that line, or the option separator."
            )


def _numbers_at_once(lines: list[str], separator: str, comma: bool) -> np.ndarray | None:
    """Lines that hold nothing but numbers, (line, cell); None for all others."""
    if comma:
        lines = [line.replace(",", ".") for line in lines]
    try:
        return np.loadtxt(lines, delimiter=None if separator == " " else separator, comments=None, ndmin=2)
    except ValueError:
        return None


def _parse_column(
    cells: Sequence[str], column: int, at: int, bad: dict[int, tuple[int, str]], comma: bool
) -> list[float]:
    """The numbers of a column in a block in which a cell is missing or no number. at : row of its first cell"""
    if comma:
        cells = [cell.replace(",", ".") for cell in cells]
    try:
        return list(map(float, cells))
    except ValueError:
        pass
    found = [float("nan")] * len(cells)
    for row, cell in enumerate(cells):
        if cell:
            try:
                found[row] = float(cell)
            except ValueError:
                if column not in bad and at + row and cell.strip().lower() not in MISSING:
                    bad[column] = (at + row, cell)
    return found
