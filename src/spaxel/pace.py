"""How far a long work is: told to whoever listens, from anywhere below, without an argument through every function.

A loop that may take seconds is written `for item in paced(items, "scaling")`, or calls `tell`. Without a listener, both cost
nothing that can be measured, and they never change what is computed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, TypeVar

Item = TypeVar("Item")
Listening = Callable[[str, int, int, float | None], Any]
EVERY = 0.1  # seconds between two calls of a listener within a stage
MINUTE = 60.0

_listener: ContextVar[_Listener | None] = ContextVar("spaxel_listener", default=None)


class _Listener:
    """A callback, the stage that it was told last, and since when that goes on."""

    def __init__(self, callback: Listening, every: float, outer: _Listener | None) -> None:
        self.callback, self.every, self.outer = callback, every, outer
        self.around: tuple[str, ...] = ()
        self._stage, self._begun, self._first, self._done, self._told = "", 0.0, 0, 0, 0.0

    def tell(self, stage: str, done: int, total: int) -> None:
        now = time.perf_counter()
        if stage != self._stage or done < self._done or not total:
            self._stage, self._begun, self._first = stage, now, done
        elif done < total and now - self._told < self.every:
            return
        self._done, self._told = done, now
        moved = done - self._first
        self.callback(stage, done, total, (total - done) * (now - self._begun) / moved if moved > 0 else None)


@contextmanager
def progress(callback: Listening | None = None, *, every: float = EVERY) -> Iterator[None]:
    """Tell how far whatever runs inside this block is: fits of every method, predict, segment, cut, reports.

    callback : called with (stage, done, total, seconds left in this stage or None); total is 0 where it is not known.
               None: a line of text that is written over and over, in a terminal and in a notebook; once a minute in a log
    every    : seconds between two calls; a stage that begins or ends is always told
    What the callback raises ends the work. Blocks may lie in each other: all of them are told.

    >>> import spaxel
    >>> cube, stages = spaxel.simulate("maxrf", height=24, width=24, channels=64), []
    >>> with spaxel.progress(lambda stage, done, total, left: stages.append(stage)):
    ...     model = spaxel.KMeans(n_clusters=4).fit(cube)
    >>> "restarts" in stages
    True
    """
    line = None if callback else Line()
    token = _listener.set(_Listener(callback or line or Line(), every, _listener.get()))
    try:
        yield
    finally:
        _listener.reset(token)
        if line:
            line.clear()


def tell(stage: str, done: int, total: int) -> None:
    """Tell that so much of all of a stage is done; total 0 : it is not known how much there is."""
    listener = _listener.get()
    while listener is not None:
        listener.tell(": ".join((*listener.around, stage)), done, total)
        listener = listener.outer


def paced(items: Collection[Item], stage: str) -> Iterator[Item]:
    """The items, one after the other; before the first and after each it is told how many are done."""
    total = len(items)
    tell(stage, 0, total)
    for done, item in enumerate(items, 1):
        yield item
        tell(stage, done, total)


@contextmanager
def within(stage: str) -> Iterator[None]:
    """A stage of which others are parts: inside, "restarts" is told as "fit: restarts"."""
    tell(stage, 0, 0)
    heard, listener = [], _listener.get()
    while listener is not None:
        heard.append((listener, listener.around))
        listener.around = (*listener.around, stage)
        listener = listener.outer
    try:
        yield
    finally:
        for listener, around in heard:
            listener.around = around


def in_words(stage: str, done: int, total: int, left: float | None) -> str:
    """What is told as a line: 'fit: restarts, 40 %, 12 s left'."""
    share = f", {done / total:.0%}".replace("%", " %") if total else ""
    return f"{stage}{share}{f', {duration(left)} left' if left is not None and done < total else ''}"


def duration(seconds: float) -> str:
    """A time as people say it: '12 s', '3 min', '2 h 5 min'."""
    if seconds < 100:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


class Line:
    """A line of text that is written over and over; where nobody watches, a line of its own once a minute."""

    def __init__(self) -> None:
        shell = "ipykernel" in sys.modules
        self._file: TextIO = sys.stdout if shell else sys.stderr
        self._over = shell or self._file.isatty()
        self._wide, self._written = 0, time.perf_counter() - (MINUTE if self._over else 0.0)

    def __call__(self, stage: str, done: int, total: int, left: float | None) -> None:
        """Write it."""
        now, text = time.perf_counter(), in_words(stage, done, total, left)
        if self._over:
            self._file.write(f"\r{text.ljust(self._wide)}")
            self._wide = len(text)
        elif now - self._written >= MINUTE:
            self._written = now
            self._file.write(f"{text}\n")
        self._file.flush()

    def clear(self) -> None:
        """Wipe the line at the end."""
        if self._over and self._wide:
            self._file.write("\r" + " " * self._wide + "\r")
            self._file.flush()
