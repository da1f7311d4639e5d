"""Text to numbers: encoding, separator, decimal comma, comments; the place of a bad cell. Read in one pass, line by line."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spaxel.errors import ReadError
from spaxel.readers.parts.table_names import commented_header, orange_header

MISSING = {"", "na", "n/a", "nan", "null", "-", "?"}
HEAD, COMMENTS = 200, 200  # rows whose cells are kept as text, and comments
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DECIMAL_COMMA = re.compile(r"^\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*$")


class Table(NamedTuple):
    """The cells of a text file as numbers.

    rows   : cells of the first 200 rows as text; row 0 may be a header      values : (row, column) of all rows, NaN where a
             cell is missing or no number      lines : (row,) the line of the file      bad : column -> (row, cell) of its
             first cell below row 0 that is neither a number nor missing      comma : numbers have a decimal comma
    comments : lines before the table that begin with # or %
    """

    path: Path
    rows: list[list[str]]
    values: np.ndarray
    lines: np.ndarray
    bad: dict[int, tuple[int, str]]
    source: Source
    comma: bool
    comments: list[str]

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
            return [row[column].strip() for row in self.rows[first_row:]]
        return [cells[column].strip() for _, cells in self.source.rows()][first_row:]

    def _refuse(self, at: int, column: int, cell: str) -> None:
        name = f" ({self.rows[0][column].strip()})" if at else ""
        raise ReadError(
            f"{self.path}: line {self.lines[at]}, column {column + 1}{name} holds {cell.strip()[:40]!r}, which is no number. "
            "Try to correct it, the option decimal, or to name that column with the option id."
        )


class Source(NamedTuple):
    """How the file is read, each time anew: nothing of it is kept.

    lead  : (line, cells) that come first: a header that stands in a comment, that lacked cells, or that of Orange
    skip  : lines that are left out      roles : what Orange says of columns that are no channels: "class", "meta"
    """

    path: Path
    encoding: str
    separator: str
    lead: tuple[int, list[str]] | None = None
    skip: int = 0
    roles: dict[int, str] | None = None

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line of the file, cells) of each row."""
        if self.lead:
            yield self.lead
        yield from cut(self.path, _data_lines(self.path, self.encoding, self.skip), self.separator)


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
    encoding, n_lines = _encoding(path)
    if not n_lines:
        raise ReadError(f"{path} holds no table: every line is empty or a comment.")
    first = [line for (_, line), _ in zip(_data_lines(path, encoding, 0), range(HEAD), strict=False)]
    separator = separator or find_separator(first[:20])
    source, width = _source(path, encoding, separator)
    rows = [cells for (_, cells), _ in zip(source.rows(), range(HEAD), strict=False)]
    comma = separator != "," and any(_DECIMAL_COMMA.match(cell) for row in rows[:20] for cell in row)
    comma = comma if decimal is None else decimal == ","
    values, lines, bad = _parse(source, n_lines + 1, width, comma)
    return Table(path, rows, values, lines, bad, source, comma, _comments(path, encoding))


def _source(path: Path, encoding: str, separator: str) -> tuple[Source, int]:
    """How the rows are read, and their width; a header that lacks the names of one or two first columns gets them."""
    plain = Source(path, encoding, separator)
    known = [row for row, _ in zip(plain.rows(), range(HEAD), strict=False)]
    width = Counter(len(cells) for _, cells in known).most_common(1)[0][0]
    line, cells = known[0]
    if len(cells) in (width - 1, width - 2) and len(cells) > 2 and all(len(c) == width for _, c in known[1:]):
        return plain._replace(lead=(line, [""] * (width - len(cells)) + cells), skip=line), width
    if orange := orange_header([cells for _, cells in known[:3]]):
        return plain._replace(lead=(line, orange.names), skip=known[orange.rows - 1][0], roles=orange.roles), width
    found = commented_header(_comments(path, encoding), separator, width)
    return plain._replace(lead=(0, found)) if found else plain, width


def _parse(
    source: Source, n_rows: int, width: int, comma: bool
) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[int, str]]]:
    """Values, lines and bad cells of a Table."""
    values, lines = np.full((n_rows, width), np.nan), np.zeros(n_rows, np.int64)
    bad: dict[int, tuple[int, str]] = {}
    at = -1
    for at, (line, cells) in enumerate(source.rows()):
        if len(cells) != width:
            raise ReadError(
                f"{source.path}: line {line} has {len(cells)} cells, the others have {width} (separator "
                f"{source.separator!r}). Try to correct that line, or the option separator."
            )
        lines[at] = line
        try:
            values[at] = [float(cell.replace(",", ".")) if comma else float(cell) for cell in cells]
        except ValueError:
            _parse_row(values[at], cells, at, bad, comma)
    return values[: at + 1], lines[: at + 1], bad


def _parse_row(row: np.ndarray, cells: list[str], at: int, bad: dict[int, tuple[int, str]], comma: bool) -> None:
    """One row in which a cell is missing or no number."""
    for column, cell in enumerate(cells):
        try:
            row[column] = number(cell, comma=comma)
        except ValueError:
            if at and column not in bad:
                bad[column] = (at, cell)


def cut(path: Path, lines: Iterator[tuple[int, str]], separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of numbered lines. Raises ReadError if they cannot be cut."""
    if separator == " ":
        for at, line in lines:
            yield at, line.split()
        return
    at = 0

    def texts() -> Iterator[str]:
        nonlocal at
        for number_, line in lines:
            at = number_
            yield line

    try:
        for cells in csv.reader(texts(), delimiter=separator):
            yield at, cells
    except (csv.Error, TypeError) as error:
        raise ReadError(f"{path} cannot be cut into cells at {separator!r}: {error}. Try another separator.") from error


def _encoding(path: Path) -> tuple[str, int]:
    """UTF-8 (with or without a byte order mark), UTF-16 with a mark, or else Latin-1; and the number of lines with data."""
    with path.open("rb") as file:
        mark = file.read(3)
    encoding = next((name for start, name in _BOMS if mark.startswith(start)), "utf-8")
    for name in (encoding, "latin-1"):
        try:
            return name, sum(1 for _ in _data_lines(path, name, 0))
        except UnicodeError:
            continue
    raise ReadError(f"{path} is no text. Try reader=… if you know what it is.")


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with path.open(encoding=encoding) as file:
        for at, line in enumerate(file, 1):
            yield at, line.rstrip("\n")


def _data_lines(path: Path, encoding: str, skip: int) -> Iterator[tuple[int, str]]:
    return ((at, line) for at, line in _lines(path, encoding) if at > skip and _holds_data(line))


def _comments(path: Path, encoding: str) -> list[str]:
    """The comments before the first line with data."""
    found: list[str] = []
    for _, line in _lines(path, encoding):
        if _holds_data(line) or len(found) >= COMMENTS:
            break
        if line.strip(" \t;,\r"):
            found.append(line.strip())
    return found


def decode(data: bytes) -> str:
    """Text in UTF-8 (with or without a byte order mark), UTF-16 with a mark, or else Latin-1."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def find_separator(lines: Sequence[str]) -> str:
    """The separator of a table: a tab or semicolon where most lines have one, a comma unless it is a decimal comma."""
    half = len(lines) / 2
    for separator in "\t;":
        if sum(separator in line for line in lines) > half:
            return separator
    commas = [line for line in lines if "," in line]
    between = sum(re.search(r"\d[ \t]+[-+]?\d", line) is not None for line in commas)
    return "," if len(commas) > half and between <= len(commas) / 2 else " "


def _holds_data(line: str) -> bool:
    return bool(line.strip(" \t;,\r")) and line.lstrip()[0] not in "#%"
