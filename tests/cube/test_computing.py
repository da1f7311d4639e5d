"""A small computation names who does it: no cluster is looked for, and none is imported."""

import sys
from types import ModuleType, SimpleNamespace

import dask
import dask.array as da
import dask.threaded
import pytest
from dask.base import get_scheduler

from spaxel.cube.computing import alone, by_default, client_here, usual


@pytest.fixture
def client(monkeypatch):
    """A client that is in use in this process, without a cluster behind it."""
    asked = []

    def get(graph, keys, **options):
        asked.append(len(keys))
        return alone(graph, keys, **options)

    found, module = SimpleNamespace(get=get), ModuleType("distributed")
    module.Client = SimpleNamespace(current=lambda **_: found)
    monkeypatch.setitem(sys.modules, "distributed", module)
    return asked


def test_threads_where_there_is_no_client(monkeypatch):
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    assert client_here() is None
    assert usual() is dask.threaded.get
    assert "distributed" not in sys.modules


def test_the_client_of_this_process_is_used(client):
    assert int(da.arange(5, chunks=2).sum().compute(scheduler=usual())) == 10
    assert len(client) == 1


def test_inside_nobody_has_to_be_named(client):
    outside = get_scheduler()
    with by_default():
        assert int(da.arange(5, chunks=2).sum().compute()) == 10
        assert dask.config.get("array.rechunk.method") == "tasks"
    assert len(client) == 1
    assert get_scheduler() is outside
