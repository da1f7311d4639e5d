"""What the verbs print: results on stdout; how far they are on stderr, as a bar on a terminal, else a line a minute."""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from spaxel.commands import typed, warned
from spaxel.errors import CONTROLS, called, printable
from spaxel.pace import MINUTE, Listening, duration, in_words, progress

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)  # names of files are printed as they are
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
PATIENCE = 2.0  # seconds before progress is shown


def print_json(value: Any) -> None:
    """JSON on stdout."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    out.print(CONTROLS.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text))


def say(text: str) -> None:
    """A line on stdout, as it is but for characters that steer a terminal, and secrets of addresses."""
    out.print(printable(called(text)))


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


@contextmanager
def watching(*, quiet: bool = False) -> Iterator[None]:
    """Whatever runs inside is shown on stderr: a bar on a terminal, from two seconds on, which goes away; else a line a minute.

    quiet : show nothing
    """
    if quiet:
        yield
        return
    with _bar() if err.is_terminal else _lines() as told, progress(told):
        yield


@contextmanager
def _bar() -> Iterator[Listening]:
    """A bar with stage, share done and time left. The screen is not touched before PATIENCE is over."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    bar = Progress(*columns, console=err, transient=True)
    task = bar.add_task("", total=None, said="")

    def told(stage: str, done: int, total: int, left: float | None) -> None:
        said = in_words("", done, total, left).removeprefix(", ")
        bar.update(task, description=printable(stage), completed=done, total=total or None, said=said)

    wait = threading.Timer(PATIENCE, bar.start)
    wait.daemon = True
    wait.start()
    try:
        yield told
    finally:
        wait.cancel()
        wait.join()
        bar.stop()


@contextmanager
def _lines() -> Iterator[Listening]:
    """One plain line a minute: for logs and batch jobs."""
    last: list[str] = []
    over = threading.Event()

    def told(stage: str, done: int, total: int, left: float | None) -> None:
        last[:] = [in_words(stage, done, total, left)]

    def write() -> None:
        begun = time.monotonic()
        while not over.wait(MINUTE):
            since = f"after {duration(time.monotonic() - begun)}"
            err.print(f"spaxel: {since}: {printable(''.join(last))}", soft_wrap=True)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        over.set()
        thread.join()
