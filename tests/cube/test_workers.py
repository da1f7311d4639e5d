"""Threads, processes and a Dask cluster compute the same, and one that is killed costs time only."""

import os
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor, Future

import numpy as np
import pytest

from spaxel.cube import cluster, kept, mapping, stored, workers
from spaxel.cube.executing import executing, workers_now
from spaxel.cube.kept import keeping
from spaxel.cube.mapping import Look, map_tiles
from spaxel.errors import MissingExtra, ParameterError, ReadError, WorkersLost
from spaxel.readers.native import write_cube
from spaxel.readers.registry import open_cube
from spaxel.testing import tiny_cube

FILL = {"total": np.float64(np.nan), "both": np.zeros(2, np.float32), "none": np.int32(-1)}
EACH = ["threads", "cluster"]  # processes: tests/properties/test_independence.py


@pytest.fixture(scope="module")
def by():
    """by(name): a block in which these compute. A cluster of two processes is started once."""
    distributed = pytest.importorskip("distributed")
    local = distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1")
    held = cluster.connected(local.scheduler_address)
    yield lambda name: executing("threads", 3) if name == "threads" else executing(held)
    held.close()
    local.close()


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    """Nine tiles of counts on the disk, some pixels without data."""
    held = tiny_cube(150, 140).load()
    spectra = held["spectra"].values.copy()
    spectra[:20, :5] = 0
    return open_cube(
        write_cube(held.assign(spectra=(held["spectra"].dims, spectra)), tmp_path_factory.mktemp("c") / "a.zarr")
    )


def total(spectra, n):
    """Sums over channels: module functions and closures travel alike."""
    both = spectra[:, :2].astype(np.float32)
    none = np.zeros(len(spectra), np.int32)  # what Zarr takes for an empty chunk
    return {"total": spectra.sum(1, dtype=float), "both": both, "none": none}, {"sum": spectra[:n].sum(0, dtype=float)}


@pytest.fixture
def expected(cube, monkeypatch):
    monkeypatch.setattr(mapping, "MOST_PIXELS", 64 * 64)
    with executing("synchronous"):
        return map_tiles(total, cube, FILL)


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name, values in one.items():
            np.testing.assert_array_equal(np.asarray(values), other[name])


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("where", ["memory", "disk"])
def test_all_compute_the_same(cube, expected, by, tmp_path, monkeypatch, name, where):
    monkeypatch.setattr(stored, "LARGE", 2**26 if where == "memory" else 0)
    with by(name), keeping(tmp_path):
        same(map_tiles(total, cube, FILL), expected)
        same(map_tiles(total, cube.compute(), FILL), expected)  # in memory: each tile travels alone


def around(spectra, usable, tile, image):
    held = np.pad(np.where(usable, spectra[..., 0], 0), 2).astype(np.float32)
    height, width = usable.shape
    seen = sum(held[i : i + height, j : j + width] for i in range(5) for j in range(5))
    rows = np.broadcast_to(np.arange(tile.y0, tile.y1)[:, None] + image[0], usable.shape)
    return np.stack([seen, rows.astype(np.float32)], axis=2)


def test_surroundings_travel_too(cube, by, monkeypatch):
    """A look at what lies around, and a window: of a cube in memory only the tile and its surroundings are sent."""
    monkeypatch.setattr(mapping, "MOST_PIXELS", 64 * 64)

    def last(spectra, n):
        return {"total": spectra[:, -1].astype(float) + spectra[:, -2]}, {}

    fill, small = {"total": FILL["total"]}, cube.isel(y=slice(70), x=slice(70)).load()
    for how in ({"look": Look(around, 2, 2, placed=True)}, {"context": 3}):
        with executing("synchronous"):
            whole = map_tiles(last, small, fill, **how)
        with by("cluster"):
            same(map_tiles(last, small, fill, **how), whole)


@pytest.mark.parametrize("name", EACH)
def test_an_error_of_a_tile_is_the_error_of_the_map(cube, by, name):
    def fail(spectra, n):
        raise ReadError("far away")

    with pytest.raises(ReadError, match="far away"), by(name):
        map_tiles(fail, cube, FILL)


def test_a_worker_that_is_killed_costs_time_only(cube, expected, by, tmp_path, monkeypatch):
    """One of the cluster dies in the middle of a tile, which is computed again."""
    monkeypatch.setattr(stored, "LARGE", 0)

    def dying(spectra, n, once=str(tmp_path / "once")):
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return total(spectra, n)
        os.kill(os.getpid(), signal.SIGKILL)

    with by("cluster"), keeping(tmp_path / "maps"):
        same(map_tiles(dying, cube, FILL), expected)
    assert (tmp_path / "once").is_file()


class Pool:
    """In place of processes: answers come at once, until one of them dies."""

    def __init__(self, lives):
        self.lives = lives

    def submit(self, function, item):
        self.lives -= 1
        if self.lives < 0:
            raise BrokenExecutor
        future = Future()
        if self.lives:
            future.set_result(function(item))
        else:
            future.set_exception(BrokenExecutor())
        return future


@pytest.mark.parametrize("lives", [1, 2, 4])
def test_processes_that_die_are_replaced(cube, expected, monkeypatch, lives):
    """Whether the answer or the question is lost, each tile is computed, and counted once."""
    pools = iter([Pool(lives), Pool(lives), Pool(99)])
    monkeypatch.setattr(workers.Processes, "_processes", lambda self: next(pools))
    monkeypatch.setattr(workers.Processes, "close", lambda self: setattr(self, "_pool", None))
    with executing("processes", 1):
        same(map_tiles(total, cube, FILL), expected)
    assert next(pools, None) is None


def test_processes_that_die_again_and_again_are_given_up(cube, monkeypatch):
    begun = []
    monkeypatch.setattr(workers.Processes, "_processes", lambda self: begun.append(1) or Pool(0))
    monkeypatch.setattr(workers.Processes, "close", lambda self: setattr(self, "_pool", None))
    with executing("processes", 1), pytest.raises(WorkersLost, match=r"killed 4 times.*smaller --memory"):
        map_tiles(total, cube, FILL)
    assert len(begun) == 4


def test_a_cluster_that_goes_away_is_one_line_and_what_is_done_is_kept(cube, expected, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(kept, "EARLY", 0.0)
    monkeypatch.setattr(stored, "LARGE", 0)
    monkeypatch.setattr(cluster, "AHEAD", 1)
    local = distributed.LocalCluster(
        1, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=":0", host="127.0.0.1"
    )
    address, keep, n = local.scheduler_address, kept.Kept.keep, []

    def close_after(self, i, sums):
        keep(self, i, sums)
        n.append(i)
        if len(n) == 3:
            local.close()

    lost = pytest.raises(WorkersLost, match=r"does not answer any more.*--resume")
    with monkeypatch.context() as patch, executing(address), keeping(tmp_path):
        patch.setattr(kept.Kept, "keep", close_after)
        with lost:
            map_tiles(total, cube, FILL)
    assert len(n) == 3
    made = []
    with executing("synchronous"), keeping(tmp_path), monkeypatch.context() as patch:
        one_tile = mapping._one_tile
        patch.setattr(mapping, "_one_tile", lambda *given: made.append(given[2]) or one_tile(*given))
        same(map_tiles(total, cube, FILL), expected)
    assert len(made) == 6
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(WorkersLost, match=f"No Dask scheduler answers at {address}"), executing(address):
        pass


def test_workers_without_the_disk_send_their_answers(cube, expected, tmp_path, monkeypatch):
    """Where a worker does not see the folder it writes nothing there, as on another machine."""
    monkeypatch.setattr(stored, "LARGE", 0)
    written = []
    monkeypatch.setattr(stored.Regions, "here", lambda self: False)
    write = stored.Maps.write
    monkeypatch.setattr(stored.Maps, "write", lambda self, *given: written.append(1) or write(self, *given))
    with executing("threads", 2), keeping(tmp_path):
        same(map_tiles(total, cube, FILL), expected)
    assert len(written) == 9


def test_nothing_is_written_into_a_folder_that_was_removed(tmp_path):
    regions = stored.Regions(tmp_path / "maps", {"a": np.zeros(2)}, (5, 5), (5, 5))
    assert not regions.here()
    regions.make()
    assert regions.here()
    other = stored.Regions(tmp_path / "maps", {"a": np.zeros(2)}, (5, 5), (5, 5))
    assert not other.here()
    assert other.made()
    assert other.here()
    assert not stored.Regions(tmp_path / "maps", {"a": np.zeros(3)}, (5, 5), (5, 5)).made()
    regions.make()
    assert not other.here()


@pytest.mark.parametrize("name", ["threads", "cluster"])
@pytest.mark.parametrize("large", [True, False])
def test_who_goes_on_may_be_another(cube, expected, by, tmp_path, monkeypatch, name, large):
    """Some tiles by one, after an interruption the others by another; one that is damaged is made again, and counted once."""
    monkeypatch.setattr(kept, "EARLY", 0.0)
    monkeypatch.setattr(kept, "OFTEN", 0.0)
    monkeypatch.setattr(stored, "LARGE", 0 if large else 2**26)
    keep, n = kept.Kept.keep, []

    def interrupted(self, i, sums):
        if len(n) == 4:
            raise KeyboardInterrupt
        n.append(i)
        keep(self, i, sums)

    with monkeypatch.context() as patch, by(name), keeping(tmp_path):
        patch.setattr(kept.Kept, "keep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            map_tiles(total, cube, FILL)
    (damaged,) = tmp_path.glob(f"0-*/maps/both/c/{n[0] // 3}/{n[0] % 3}/0")
    damaged.write_bytes(damaged.read_bytes()[:9])
    left = []
    with monkeypatch.context() as patch, executing("threads", 3), keeping(tmp_path):
        patch.setattr(kept.Kept, "keep", lambda self, i, sums: left.append(i) or keep(self, i, sums))
        patch.setattr(mapping, "MOST_PIXELS", 2**20)  # tiles would be larger now
        same(map_tiles(total, cube, FILL), expected)
    assert sorted(left) == sorted({*range(9)} - set(n[1:]))


def test_the_client_of_this_process_is_used(by, cube, expected):
    distributed = pytest.importorskip("distributed")
    with by("cluster"):
        address = workers_now().client.scheduler.address
    with distributed.Client(address) as client:
        assert workers_now().client is client
        same(map_tiles(total, cube, FILL), expected)
        with executing(client):
            assert (workers_now().client, workers_now().n, workers_now().sharing) == (client, 2, 1)
        assert client.status == "running"
    assert not isinstance(workers_now(), cluster.Cluster)


def test_what_cannot_be_chosen_is_said(monkeypatch):
    for scheduler, n, error, said in (
        ("foo", None, ParameterError, "--scheduler is 'foo'. Try threads"),
        ("threads", 0, ParameterError, "at least one"),
        ("tcp://127.0.0.1:9", 3, ParameterError, "a cluster has its own"),
        ("kubernetes", None, MissingExtra, "helm"),
    ):
        with pytest.raises(error, match=said), executing(scheduler, n):
            pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    for scheduler in ("tcp://127.0.0.1:9", "slurm"):
        with pytest.raises(MissingExtra, match=r"pip install 'spaxel\[cluster\]'"), executing(scheduler):
            pass


def test_what_cannot_travel_is_said(cube):
    lock = threading.Lock()
    with pytest.raises(ParameterError, match="cannot travel"), executing("processes", 1):
        map_tiles(lambda spectra, n: ({}, {"n": lock}), cube, {})
