"""Tiles on the workers of a Dask cluster: its scheduler hands them out, and computes again what a lost worker had."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import logging
import uuid
from collections.abc import Iterable
from typing import Any
from warnings import warn

import cloudpickle
import dask
from threadpoolctl import threadpool_limits

import spaxel
from spaxel.cube.workers import AHEAD, Answers, Function, Workers, packed
from spaxel.errors import ParameterError, SpaxelError, WorkersLost, missing_extra, printable

PATIENCE = 10.0  # seconds in which a scheduler answers, and after which it is said that there are no workers
GONE = (asyncio.CancelledError, concurrent.futures.CancelledError, OSError, asyncio.TimeoutError)
BIG = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}  # the model travels once, whatever its size


class Cluster(Workers):
    """The workers that a `distributed.Client` knows, as many as there are at the moment.

    owned : what is closed in the end: the client, and a cluster that was started for it
    """

    apart = True

    def __init__(self, client: Any, owned: tuple[Any, ...] = ()) -> None:
        self.client, self._owned, self._warned = client, owned, False

    @property
    def n(self) -> int:  # type: ignore[override]
        """Threads of all workers."""
        return max(1, sum(self._threads()))

    @property
    def sharing(self) -> int:  # type: ignore[override]
        """Threads of the worker that has most."""
        return max(1, *self._threads(), 1)

    def _threads(self) -> list[int]:
        return [int(n) for n in self._asked(self.client.nthreads).values()]

    def _asked(self, question: Any) -> Any:
        try:
            return question()
        except GONE as error:
            raise self._gone() from error

    def _gone(self) -> WorkersLost:
        return WorkersLost(
            f"The cluster at {self.client.scheduler.address if self.client.scheduler else 'its address'} does not "
            "answer any more. Try the same command again with --resume once it is back, or another --scheduler."
        )

    def each(self, function: Function, items: Iterable[Any]) -> Answers:
        """As they are done. Raises WorkersLost where the cluster goes away, or a tile takes worker after worker down."""
        pending: dict[Any, Any] = {}
        items, name = iter(items), f"spaxel-{uuid.uuid4().hex[:12]}"
        number = itertools.count()
        try:
            with dask.config.set(BIG):
                shared = self.client.submit(_unpacked, packed(function), spaxel.__version__, key=f"{name}-model")
            while True:
                for item in itertools.islice(items, max(0, AHEAD * self.n - len(pending))):
                    key = f"{name}-{next(number)}"
                    pending[self.client.submit(_on_worker, shared, item, key=key)] = item
                if not pending:
                    return
                for future in self._done(list(pending)):
                    answer = self._answer(future)
                    yield pending.pop(future), answer
        except GONE as error:
            if isinstance(error, SpaxelError) or (isinstance(error, OSError) and self.client.status == "running"):
                raise  # of a tile
            raise self._gone() from error
        finally:
            if self.client.status == "running":
                self.client.cancel(list(pending), force=True)

    def _done(self, pending: list[Any]) -> list[Any]:
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    return list(wait(pending, timeout=PATIENCE, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                if self.client.status != "running":
                    raise self._gone() from None
                if not self._warned and not self._threads():
                    self._warned = True
                    warn("The cluster has no workers at the moment; they are waited for.", UserWarning, stacklevel=2)

    def _answer(self, future: Any) -> Any:
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise WorkersLost(
                f"A tile took {error.allowed_failures + 1} workers of the cluster down, perhaps for want of memory. Try a "
                "smaller --memory, or workers with more."
            ) from error

    def close(self) -> None:
        """Leave what was entered for this; the cluster of somebody else goes on."""
        for one in self._owned:
            one.close()


def connected(address: str) -> Cluster:
    """The cluster whose scheduler has this address. Raises MissingExtra, and WorkersLost if none answers."""
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise WorkersLost(
            f"No Dask scheduler answers at {address} ({printable(str(error))[:200]}). Try the address that `dask scheduler` "
            "prints."
        ) from error
    return Cluster(client, (client,))


def on_slurm(jobs: int) -> Cluster:
    """Workers as jobs of Slurm, as ~/.config/dask/jobqueue.yaml describes them. Raises MissingExtra, ParameterError."""
    distributed = _distributed()
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise missing_extra("Slurm", "dask-jobqueue", "cluster") from error
    try:
        cluster = SLURMCluster()
        cluster.scale(jobs=jobs)
    except Exception as error:
        raise ParameterError(
            f"Slurm cannot be asked for workers: {printable(str(error))[:300]}. Try to set cores, memory and queue in "
            "~/.config/dask/jobqueue.yaml, see docs/howto/cluster.md."
        ) from error
    client = distributed.Client(cluster, set_as_default=False)
    return Cluster(client, (client, cluster))


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise missing_extra("A cluster", "distributed", "cluster") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said in our words
    return distributed


def _unpacked(data: bytes, version: str) -> Function:
    """On a worker: the function, once for all its tiles."""
    if version != spaxel.__version__:
        raise ParameterError(
            f"A worker of the cluster has spaxel {spaxel.__version__}, this command {version}. Try the same on both."
        )
    return cloudpickle.loads(data)


def _on_worker(function: Function, item: Any) -> Any:
    with threadpool_limits(1):
        return function(item)
