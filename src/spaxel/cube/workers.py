"""Who computes the tiles of a map on this machine: the thread that asks, threads, or processes. Clusters: `cluster`.

The answers come as they are done, in any order: what is made of them must not depend on it. Only so many tiles are on their way
as keep everybody busy, so that no answers pile up.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from itertools import chain, islice
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import cloudpickle
from threadpoolctl import threadpool_limits

from spaxel.errors import ParameterError, WorkersLost

AHEAD = 2  # tiles on their way for each worker
TRIES = 3  # times that a process may die without any tile done in between

Function = Callable[[Any], Any]
Answers = Generator[tuple[Any, Any], None, None]


class Workers:
    """Whoever computes.

    n : tiles at a time      sharing : how many of these share the memory that is allowed
    apart : whether they are other processes, to which everything travels as bytes
    """

    n, sharing, apart = 1, 1, False

    def each(self, function: Function, items: Iterable[Any]) -> Answers:
        """Each item and what the function says of it, as they are done; the first error ends it."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is asked any more."""


class Alone(Workers):
    """The thread that asks, one after the other."""

    def each(self, function: Function, items: Iterable[Any]) -> Answers:
        """In their order."""
        for item in items:
            yield item, function(item)


class Threads(Workers):
    """Threads of this process."""

    def __init__(self, n: int) -> None:
        self.n = self.sharing = n

    def each(self, function: Function, items: Iterable[Any]) -> Answers:
        """As they are done. Threads that still compute after an error are waited for, so that none writes afterwards."""
        pool = ThreadPoolExecutor(self.n, "spaxel tiles")
        try:
            yield from _windowed(lambda item: pool.submit(function, item), items, AHEAD * self.n, {})
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class Processes(Workers):
    """Processes of this machine. One that dies is replaced, and its tile is computed again."""

    apart = True

    def __init__(self, n: int) -> None:
        self.n = self.sharing = n
        self._pool: ProcessPoolExecutor | None = None

    def each(self, function: Function, items: Iterable[Any]) -> Answers:
        """As they are done. Raises WorkersLost where processes die again and again."""
        data = packed(function)
        shared = SharedMemory(create=True, size=len(data))  # the system frees it, however this process ends
        try:
            memoryview(shared.buf)[: len(data)] = data  # type: ignore[arg-type,unused-ignore]
            yield from self._surviving(functools.partial(_in_process, shared.name, len(data)), iter(items))
        finally:
            shared.close()
            shared.unlink()

    def _surviving(self, task: Function, items: Iterator[Any]) -> Answers:
        pending: dict[Future, Any] = {}
        died = 0
        while True:
            self._pool = self._pool or self._processes()
            try:
                for done in _windowed(functools.partial(_ask, self._pool, task), items, AHEAD * self.n, pending):
                    died = 0
                    yield done
                return
            except BrokenExecutor as error:
                self.close()
                died += 1
                if died > TRIES:
                    raise WorkersLost(
                        f"Processes that compute tiles were killed {died} times, perhaps for want of memory. "
                        "Try a smaller --memory, or fewer --workers."
                    ) from error
                items = chain(list(pending.values()), items)
                pending.clear()
            except BaseException:
                self.close()  # those that still compute are not waited for, and write nothing
                raise

    def _processes(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.n, multiprocessing.get_context("spawn"), _at_start)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
            self._pool = None


def packed(value: Any) -> bytes:
    """As bytes, for another process. Raises ParameterError if it cannot travel."""
    try:
        return cloudpickle.dumps(value)
    except Exception as error:
        raise ParameterError(
            f"This cube or model cannot travel to another process ({type(error).__name__}: {error}). "
            "Try --scheduler threads, or spaxel convert and the file that it writes."
        ) from error


def _windowed(
    submit: Callable[..., Future], items: Iterator[Any] | Iterable[Any], ahead: int, pending: dict[Future, Any]
) -> Answers:
    """Items and answers as they are done, at most `ahead` on their way. What is in `pending` after an error has no answer."""
    items = iter(items)
    while True:
        for item in islice(items, ahead - len(pending)):
            try:
                future = submit(item)
            except BrokenExecutor:
                pending[Future()] = item
                raise
            pending[future] = item
        if not pending:
            return
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            answer = future.result()
            yield pending.pop(future), answer


def _ask(pool: ProcessPoolExecutor, task: Function, item: Any) -> Future:
    return pool.submit(task, item)


def _at_start() -> None:
    """In a new process: Ctrl-C is the affair of who asked, and it ends with that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_together() -> None:
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end_together, daemon=True).start()


@functools.lru_cache(maxsize=1)
def _unpacked(name: str, size: int) -> Any:
    shared = SharedMemory(name)
    try:
        return cloudpickle.loads(bytes(shared.buf or b"")[:size])
    finally:
        shared.close()


def _in_process(name: str, size: int, item: Any) -> Any:
    with threadpool_limits(1):
        return _unpacked(name, size)(item)
