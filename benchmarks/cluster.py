"""A map on a Dask cluster: seconds per tile, bytes that move, what the scheduler costs, and workers that are killed.

usage: python benchmarks/cluster.py [--side 512] [--channels 128] [--kills 8]

Writes results/cluster.json and .md, with a model of a map of 10 TB on 64 workers, from these numbers.
"""

from __future__ import annotations

import argparse
import os
import pickle
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from distributed import Client, LocalCluster, get_task_stream

from common import head, table, write_json, write_page
from spaxel import KMeans, executing, make_cube, write_cube
from spaxel.cube import kept, mapping, stored
from spaxel.cube.cluster import Cluster
from spaxel.workflow.runs import predict

TASKS = 500  # empty ones
BIG, WORKERS = 10e12, 64  # of the model


def main() -> None:
    """Measure, and write the results."""
    asked = argparse.ArgumentParser(description=__doc__)
    for name, value in (("side", 512), ("channels", 128), ("kills", 8)):
        asked.add_argument(f"--{name}", type=int, default=value)
    given, about = asked.parse_args(), head()
    stored.LARGE, kept.EARLY = 0, 0.0  # as a large map that takes long
    with tempfile.TemporaryDirectory(prefix="spaxel-cluster-") as place:
        folder = Path(place)
        n_bytes = prepare(folder, given.side, given.channels)
        rows = [alone(folder)]
        for n in (1, 2):
            with cluster(n) as client:
                together(folder, client, n)  # what is loaded once is loaded
                rows.append(together(folder, client, n))
        rows[-1] |= killed(folder, given.kills)
        found = {"cube": [given.side, given.side, given.channels], "bytes": n_bytes, "rows": rows} | moved(folder)
    found |= model(found)
    write_json("cluster", about, **found)
    write_page("cluster", "A map on a Dask cluster", about, parts(found))


def prepare(folder: Path, side: int, channels: int) -> int:
    """A cube of counts in Zarr tiles, and a model for it; the bytes of its spectra."""
    rng = np.random.default_rng(0)
    parts = rng.gamma(2.0, 20.0, (6, channels))
    label = np.kron(rng.integers(0, 6, (side // 32, side // 32)), np.ones((32, 32), int))
    cube = make_cube(rng.poisson(parts[label]).astype(np.uint16), np.linspace(1, 20, channels), "keV")
    write_cube(cube, folder / "cube.zarr")
    KMeans(n_clusters=6, memory=2**24).fit(cube).save(folder / "model")
    return int(cube["spectra"].nbytes)


@contextmanager
def cluster(n: int) -> Iterator[Client]:
    """A client of so many processes of this machine, each of which has spaxel imported."""
    with (
        LocalCluster(n, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1") as local,
        Client(local, set_as_default=False) as client,
    ):
        with executing(client):
            list(Cluster(client).each(abs, range(8)))  # spaxel is imported there
        yield client


def mapped(folder: Path, name: str) -> tuple[float, float]:
    """A prediction; its wall and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    predict(folder / "model", folder / "cube.zarr", folder / name, lines=("none",), overwrite=True)
    return time.perf_counter() - wall, time.process_time() - cpu


def alone(folder: Path) -> dict[str, Any]:
    """Without a cluster, one tile after the other."""
    with executing("synchronous"):
        wall, cpu = mapped(folder, "alone")
    return {"workers": "this process", "wall": wall, "cpu": cpu}


def together(folder: Path, client: Client, n: int) -> dict[str, Any]:
    """The same on the workers of a cluster, and how long its scheduler needs for tasks that do nothing."""
    with executing(client), get_task_stream(client) as stream:
        wall, cpu = mapped(folder, "together")
    tiles = [s["stop"] - s["start"] for task in stream.data for s in task["startstops"] if s["action"] == "compute"]
    tiles = sorted(tiles)[-sum(1 for task in stream.data if not str(task["key"]).endswith("model")) :]
    begun, used = time.perf_counter(), time.process_time()
    list(Cluster(client).each(abs, range(TASKS)))
    task = (time.perf_counter() - begun) / TASKS, (time.process_time() - used) / TASKS
    same = files(folder / "together") == files(folder / "alone")
    return {
        "workers": n, "wall": wall, "cpu": cpu, "tiles": len(tiles), "seconds_per_tile": float(np.mean(tiles)),
        "wall_per_task": task[0], "cpu_per_task": task[1], "same_bits": same,
    }  # fmt: skip


def killed(folder: Path, kills: int) -> dict[str, Any]:
    """One of two workers is killed in each run, at a random moment: runs that are lost, that differ, hidden folders left.

    Each run has a cluster of its own: that of one machine does not always start another worker in place of the second one
    that is killed.
    """
    rng, lost, differ = np.random.default_rng(1), 0, 0
    undisturbed, seconds = [], []
    for _ in range(kills):
        with cluster(2) as client:
            client.wait_for_workers(2, timeout=120)
            undisturbed.append(mapped_with(client, folder))
            pids = sorted(client.run(os.getpid).values())
            delay = float(rng.uniform(0.1, 0.8)) * undisturbed[-1]
            timer = threading.Timer(delay, os.kill, (int(rng.choice(pids)), signal.SIGKILL))
            timer.start()
            try:
                seconds.append(mapped_with(client, folder))
                differ += files(folder / "together") != files(folder / "alone")
            except Exception as error:  # noqa: BLE001
                print(type(error).__name__, error)
                lost += 1
            finally:
                timer.join()
    stray = sum(path.name.startswith(".") for path in folder.iterdir())
    return {
        "kills": kills, "lost": lost, "differ": differ, "stray": stray, "undisturbed": float(np.mean(undisturbed)),
        "seconds_with_a_kill": float(np.mean(seconds)) if seconds else None,
    }  # fmt: skip


def mapped_with(client: Client, folder: Path) -> float:
    """Wall seconds of a prediction on a cluster."""
    with executing(client):
        return mapped(folder, "together")[0]


def moved(folder: Path) -> dict[str, Any]:
    """Bytes of the model, which goes to each worker once, of a question and of its answer, written there or sent."""
    sizes: dict[str, Any] = {}
    real = Cluster.each

    class Counting(Cluster):
        n, sharing = 2, 1

        def each(self, function: Any, items: Any) -> Iterator[Any]:
            from spaxel.cube.workers import packed

            sizes["model"] = len(packed(function))
            for item in items:
                answer = function(item)
                sizes["question"], sizes["answer_written"] = len(pickle.dumps(item)), len(pickle.dumps(answer))
                sizes["answer_sent"] = len(pickle.dumps(replace(function, regions=None)(item)))
                sizes["tile_pixels"] = item[1].n_pixels
                yield item, answer

    assert real is Cluster.each
    with executing(Counting(None)):
        mapped(folder, "counted")
    return {"bytes_moved": sizes}


def files(run: Path) -> dict[str, bytes]:
    """All that a result consists of."""
    return {str(p.relative_to(run)): p.read_bytes() for p in (run / "result.zarr").rglob("*") if p.is_file()}


def model(found: dict[str, Any]) -> dict[str, Any]:
    """A map of 10 TB on 64 workers of this kind: tiles as large as 1 GiB allows, at most MOST_PIXELS."""
    two, (_, _, channels) = found["rows"][-1], found["cube"]
    per_byte = two["seconds_per_tile"] * two["tiles"] / found["bytes"]
    tile = mapping.MOST_PIXELS * channels * 2
    tiles, sizes = BIG / tile, found["bytes_moved"]
    return {
        "model": {
            "bytes": BIG, "workers": WORKERS, "bytes_per_tile": tile, "tiles": tiles, "seconds_per_gigabyte": per_byte * 1e9,
            "hours_of_tiles": per_byte * BIG / WORKERS / 3600, "hours_of_scheduler": two["cpu_per_task"] * tiles / 3600,
            "most_workers": per_byte * tile / two["cpu_per_task"], "read_per_second": WORKERS / per_byte,
            "moved_gigabytes_written": tiles * (sizes["question"] + sizes["answer_written"]) / 1e9,
            "moved_gigabytes_sent": BIG / 2 / channels * sizes["answer_sent"] / sizes["tile_pixels"] / 1e9,
        }
    }  # fmt: skip


def parts(found: dict[str, Any]) -> list[str]:
    """The results for people."""
    first, *rows = found["rows"]
    two, sizes, m = rows[-1], found["bytes_moved"], found["model"]
    columns = (
        "workers",
        "wall s",
        "tiles",
        "s per tile",
        "wall s per empty task",
        "CPU s of client and scheduler",
        "same bits",
    )
    cells = [(first["workers"], f"{first['wall']:.1f}", "", "", "", "", "")] + [
        (
            row["workers"], f"{row['wall']:.1f}", row["tiles"], f"{row['seconds_per_tile']:.2f}", f"{row['wall_per_task']:.4f}",
            f"{row['cpu_per_task']:.4f}", "yes" if row["same_bits"] else "NO",
        )
        for row in rows
    ]  # fmt: skip
    return [
        f"`predict` with k-means over {' x '.join(map(str, found['cube']))} counts ({found['bytes'] / 2**20:.0f} MiB), as a "
        "large map: each worker writes its tiles.",
        table(columns, cells),
        f"**Killed**: one of two workers in each of {two['kills']} runs, at a random moment. Runs lost: {two['lost']}; that "
        f"differ in a bit: {two['differ']}; hidden folders left: {two['stray']}. Seconds of a run: {two['undisturbed']:.1f} "
        f"undisturbed, {two['seconds_with_a_kill'] or 0:.1f} with a kill.",
        f"**Bytes**: the model {sizes['model']:,}, once to each worker; a question {sizes['question']:,}; an answer "
        f"{sizes['answer_written']:,} where the worker writes its tile, {sizes['answer_sent']:,} for "
        f"{sizes['tile_pixels']:,} pixels where it cannot.",
        f"**Model**, {m['bytes'] / 1e12:.0f} TB on {m['workers']} such workers: {m['tiles']:,.0f} tiles of "
        f"{m['bytes_per_tile'] / 1e6:.0f} MB; {m['seconds_per_gigabyte']:.1f} s of a worker for a gigabyte, so "
        f"{m['hours_of_tiles']:.1f} hours. Client and scheduler compute {m['hours_of_scheduler']:.2f} hours in that time, and "
        f"could serve {m['most_workers']:,.0f} workers. All read {m['read_per_second'] / 1e9:.2f} GB/s. Through the "
        f"scheduler go {m['moved_gigabytes_written']:.1f} GB, or {m['moved_gigabytes_sent']:.0f} GB where they cannot write.",
    ]


if __name__ == "__main__":
    main()
