"""Where the tiles of a map are computed: chosen once, by the command or in Python, for all that runs inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from spaxel.cube.computing import client_here, cores
from spaxel.cube.workers import Alone, Processes, Threads, Workers
from spaxel.errors import MissingExtra, ParameterError

_chosen: ContextVar[Workers | None] = ContextVar("spaxel_workers", default=None)


@contextmanager
def executing(scheduler: Any = None, workers: int | None = None) -> Iterator[None]:
    """Inside, the tiles of every map are computed as said here. The answer is the same, bit by bit.

    scheduler : "threads" of this process; "processes" of this machine; "tcp://…", the address of a Dask scheduler; "slurm":
                workers as jobs of Slurm; "synchronous": one tile after the other; a `distributed.Client`. None: the Client
                that this process uses, if there is one, else threads
    workers   : how many threads, processes or jobs (default: the processors of this machine; 1 job)
    Raises ParameterError for another scheduler, WorkersLost if none answers at an address, MissingExtra for a cluster
    without the extra `cluster`.

    >>> import spaxel
    >>> cube = spaxel.simulate("maxrf", height=8, width=9, channels=40)
    >>> model = spaxel.KMeans(2).fit(cube)
    >>> with spaxel.executing("threads", workers=2):
    ...     result = model.predict(cube)
    >>> result["labels"].shape
    (8, 9)
    """
    found = _choice(scheduler, workers)
    token = _chosen.set(found)
    try:
        yield
    finally:
        _chosen.reset(token)
        if found is not scheduler:
            found.close()


def workers_now() -> Workers:
    """Who computes now."""
    return _chosen.get() or _choice(None, None)


def _choice(scheduler: Any, workers: int | None) -> Workers:
    if isinstance(scheduler, Workers):
        return scheduler
    if workers is not None and workers < 1:
        raise ParameterError(f"--workers is {workers}; there must be at least one.")
    if scheduler is None and workers is None and (client := client_here()) is not None:
        scheduler = client
    if scheduler is None or scheduler == "threads":
        n = workers or cores()
        return Threads(n) if n > 1 else Alone()
    if scheduler == "synchronous":
        return Alone()
    if scheduler == "processes":
        return Processes(workers or cores())
    if scheduler == "kubernetes":
        raise MissingExtra(
            "spaxel starts no workers on Kubernetes by itself. Start a Dask cluster there with dask-kubernetes or its helm "
            "chart, and try its address: --scheduler tcp://HOST:8786."
        )
    return _cluster(scheduler, workers)


def _cluster(scheduler: Any, workers: int | None) -> Workers:
    from spaxel.cube.cluster import Cluster, connected, on_slurm  # here and not above: others wait for no cluster

    if scheduler == "slurm":
        return on_slurm(workers or 1)
    if workers is not None:
        raise ParameterError("--workers is for threads, processes and slurm; a cluster has its own. Try without it.")
    if isinstance(scheduler, str) and "://" in scheduler:
        return connected(scheduler)
    if hasattr(scheduler, "submit") and hasattr(scheduler, "nthreads"):
        return Cluster(scheduler)
    raise ParameterError(
        f"--scheduler is {scheduler!r}. Try threads, processes, slurm, or the address of a Dask scheduler as tcp://HOST:8786."
    )
