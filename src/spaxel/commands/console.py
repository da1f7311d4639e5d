"""What the verbs print: results on stdout, progress with the time left on stderr, only where a person watches."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False)
PATIENCE = 2.0  # seconds before progress is shown


def print_json(value: Any) -> None:
    """JSON on stdout."""
    out.print(json.dumps(value, indent=1, ensure_ascii=False), markup=False)


def say(text: str) -> None:
    """A line on stdout, as it is."""
    out.print(text, markup=False)


def print_table(rows: list[tuple], columns: tuple[str, ...], right: tuple[int, ...] = ()) -> None:
    """A table without boxes; `right` are the columns aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=any(columns))
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i in right else "left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    out.print(table)


def command_line() -> str:
    """The command as it was typed, to repeat it."""
    return shlex.join(["spaxel", *sys.argv[1:]])


class Watch:
    """A progress bar that appears on a terminal after two seconds. `stage` and `progress` are given to workflows."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._task, self._begun, self._name = bar, None, time.monotonic(), ""

    def stage(self, name: str) -> None:
        """A stage begins."""
        self._name = name
        if self._task is not None:
            self._bar.update(self._task, description=name, completed=0, total=None)
        else:
            self._show()

    def progress(self, done: int, total: int) -> None:
        """So many pixels of all are done."""
        self._show()
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def _show(self) -> None:
        if self._task is None and err.is_terminal and time.monotonic() - self._begun > PATIENCE:
            self._bar.start()
            self._task = self._bar.add_task(self._name, total=None)


@contextmanager
def watching() -> Iterator[Watch]:
    """A Watch whose bar goes away at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=err, transient=True)
    try:
        yield Watch(bar)
    finally:
        bar.stop()
