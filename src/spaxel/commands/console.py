"""What the verbs print: results on stdout, progress with the time left on stderr, only where a person watches."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from spaxel.commands import typed, warned
from spaxel.errors import CONTROLS, printable

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)  # names of files are printed as they are
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
PATIENCE = 2.0  # seconds before progress is shown


def print_json(value: Any) -> None:
    """JSON on stdout."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    out.print(CONTROLS.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text))


def say(text: str) -> None:
    """A line on stdout, as it is but for characters that steer a terminal."""
    out.print(printable(text))


def is_new(warning: str) -> bool:
    """Whether this command has not printed a warning yet; from now on it has."""
    printed = warned.get()
    new = warning not in printed
    printed.add(warning)
    return new


def print_table(rows: list[tuple], columns: tuple[str, ...], right: tuple[int, ...] = ()) -> None:
    """A table without boxes; `right` are the columns aligned to the right. Cells are wrapped on a terminal only."""
    if not out.is_terminal:
        return _print_plain([*([columns] if any(columns) else []), *rows], right)
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=any(columns))
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i in right else "left")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    return out.print(table)


def _print_plain(rows: list[tuple], right: tuple[int, ...]) -> None:
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        say("  ".join(padded).rstrip())


def command_line() -> str:
    """The command as it was typed, to repeat it."""
    return shlex.join(["spaxel", *typed.get()])


class Watch:
    """What workflows tell of their work, as a bar. `stage` and `progress` are given to them."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None)

    def stage(self, name: str) -> None:
        """A stage begins."""
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=None)

    def progress(self, done: int, total: int) -> None:
        """So many epochs or pixels of all are done."""
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def watching() -> Iterator[Watch]:
    """A Watch whose bar is seen on a terminal, from two seconds on, and goes away at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=err, transient=True)
    wait = threading.Timer(PATIENCE, bar.start)
    wait.daemon = True
    if err.is_terminal:
        wait.start()
    try:
        yield Watch(bar)
    finally:
        wait.cancel()
        if wait.is_alive():
            wait.join()
        if bar.live.is_started:
            bar.stop()
