"""How a command ends when it is told to: Ctrl-C and SIGTERM, in less than two seconds, whatever it does at that moment.

The handler raises in the main thread, which ends as after any error. Where that takes too long (a library computes and does not
look; threads that are waited for), a thread that sleeps until a signal comes removes the hidden folders and ends the process.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from spaxel.errors import printable
from spaxel.store import owner

AT_ONCE = 0.1  # seconds in which several signals are one, as a process and its group may each get it
PATIENCE = 1.0  # seconds that the main thread has to end by itself
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
OURS = (signal.default_int_handler, signal.SIG_DFL)  # handlers that are replaced; who ignores a signal goes on to do so

_said = threading.Event()  # whether the line stands there
_told: list[int] = []  # the signals that came
_pipe = [-1]  # where signals write to, for children that are forked


class Told(KeyboardInterrupt):
    """A signal that ends the command."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def ending(*, whole: bool = False) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM raise `Told`, and end the process if nothing comes of that; a second one ends it at once.

    whole : this command is all that its process does, so its end is watched too
    """
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield
        return
    before = {number: signal.getsignal(number) for number in WORDS}
    ours = [number for number, handler in before.items() if handler in OURS]
    for number in ours:
        signal.signal(number, _raise)
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    woken = signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    _pipe[0] = sending
    _said.clear()
    _told.clear()
    threading.Thread(target=_watch, args=(receiving,), daemon=True, name="spaxel ending").start()
    try:
        yield
    except Exception:
        if _told:  # a library has made an error of its own of it
            raise Told(_told[0]) from None
        raise
    finally:
        if not whole:
            signal.set_wakeup_fd(woken)
            for number in ours:
                signal.signal(number, before[number])
            os.close(sending)


def say(interruption: KeyboardInterrupt) -> int:
    """Print the one line about an interruption; the exit code."""
    number = interruption.number if isinstance(interruption, Told) else signal.SIGINT
    _say(number, str(interruption) or owner.advice())
    return 128 + number


def _say(number: int, more: str) -> None:
    if not _said.is_set():
        _said.set()
        said = f"{WORDS[signal.Signals(number)]}; nothing is left half-written. {more}".rstrip()
        print(f"\nspaxel: {printable(said)}", file=sys.stderr, flush=True)  # noqa: T201


def _raise(number: int, frame: FrameType | None) -> Any:
    _told.append(number)
    raise Told(number)


def _watch(receiving: int) -> None:
    """Sleep until a signal comes; then end the process, if a second one comes or the main thread does not end it."""
    while number := os.read(receiving, 1):
        code = 128 + number[0]
        if signal.getsignal(number[0]) is not _raise:
            continue  # somebody else's, as that of the viewer
        time.sleep(AT_ONCE)
        if select.select([receiving], [], [], 0)[0] and not os.read(receiving, 99):
            break  # it has ended by itself
        if not select.select([receiving], [], [], PATIENCE)[0]:
            owner.abandon()
            _say(number[0], owner.advice())
            os._exit(code)
        if os.read(receiving, 1):
            os._exit(code)
        break
    os.close(receiving)


def _alone() -> None:
    """In a forked child: signals are its own affair."""
    if _pipe[0] >= 0 and signal.set_wakeup_fd(-1) == _pipe[0]:
        for number in WORDS:
            if signal.getsignal(number) is _raise:
                signal.signal(number, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)
