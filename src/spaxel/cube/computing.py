"""Who does a small computation of Dask: named as a function, so that Dask looks for no cluster and imports none.

Where none is named, or one by its name ("threads"), Dask imports the package distributed, which takes most of a second.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
import dask.threaded
from dask.local import get_sync

Scheduler = Callable[..., Any]

alone: Scheduler = get_sync
"""The thread that asks, and no other."""


def usual() -> Scheduler:
    """The cluster of this process, if one is in use (a `distributed.Client` that was not told to keep aside), else threads."""
    client = client_here()
    return dask.threaded.get if client is None else client.get


def cores() -> int:
    """Processors that this process may use; where the system does not say that (macOS, Windows), all it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def client_here() -> Any:
    """The `distributed.Client` that this process uses, None if there is none. Imports nothing."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.Client.current(allow_global=True)
    except (ValueError, AttributeError):
        return None


@contextmanager
def by_default() -> Iterator[None]:
    """Inside, Dask computes by `usual` wherever nobody is named; for a process that is the command line and nothing else."""

    def chosen(*given: Any, **options: Any) -> Any:
        return usual()(*given, **options)

    with dask.config.set({"scheduler": chosen, "array.rechunk.method": "tasks"}):
        yield
