"""Deep spectral clustering: spectra per CPU second in training and prediction, seconds of a whole fit, peak memory.

Every measurement is a process of its own. CPU seconds of one thread are the figure to compare: the machine is shared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from common import head, log, table, write_json, write_page
from memory import zarr_cube

CHANNELS, BATCH, LATENT, K = 1024, 512, 3, 3
STEPS = 60
BARS = {"step": 10_000, "predict": 30_000}


def templates(n: int, channels: int = CHANNELS) -> np.ndarray:
    """Poisson draws of eight templates, 400 counts each: the data of the published timings."""
    rng = np.random.default_rng(0)
    shapes = rng.dirichlet(np.full(channels, 0.05), 8)
    return rng.poisson(400 * shapes[rng.integers(0, 8, n)]).astype(np.uint16)


def step(clustering: str, net: str) -> None:
    """Spectra per CPU second of a training step: forward, backward, Adam."""
    import torch

    from spaxel.cube.sampling import Sample
    from spaxel.methods.dsc.estimator import DeepSpectralClustering
    from spaxel.methods.dsc.settings import Settings
    from spaxel.methods.dsc.start import linear_start, views
    from spaxel.methods.dsc.train_net import _objective
    from spaxel.preprocess import fit_scaling
    from spaxel.training.plan import Step

    torch.set_num_threads(1)
    spectra = templates(4 * BATCH)
    sample = Sample(spectra, np.zeros((0, 2, CHANNELS)), 1.0)
    method = DeepSpectralClustering(n_latent=LATENT, clustering=clustering, net=net)
    settings = Settings.of(method, counts=True)
    start = linear_start(sample, fit_scaling("counts", sample), settings)
    data = views(spectra, start.scaling, settings)
    objective = _objective(start, data, np.random.default_rng(1).normal(size=(K, LATENT)), settings)
    optimizer = torch.optim.Adam(objective.parameters())
    rows = np.arange(BATCH)
    times = []
    for i in range(STEPS):
        begin = time.process_time()
        pick = (rows + i * BATCH) % len(spectra)
        batch = torch.from_numpy(data.inputs[0][pick]), torch.from_numpy(data.targets[0][pick])
        optimizer.zero_grad()
        objective(batch, Step(9, 20, i, torch.Generator().manual_seed(i))).total.backward()
        optimizer.step()
        times.append(time.process_time() - begin)
    print(json.dumps(BATCH / float(np.median(times))))


def predict(part: str) -> None:
    """Spectra per CPU second: `labels` (scale, encode, nearest centre), or `maps` (all that predict gives)."""
    from threadpoolctl import threadpool_limits

    from spaxel import DeepSpectralClustering, make_cube
    from spaxel.linear.silhouettes import distances
    from spaxel.methods.dsc.numpy_net import encode, features

    spectra = templates(8192)
    model = DeepSpectralClustering(K, n_latent=LATENT, epochs=3, n_init=2, n_sample=4000).fit(spectra)
    known, centers, rates = model._model(), model.state_["centers"], []
    cube = make_cube(spectra.reshape(64, 128, -1))
    with threadpool_limits(1):
        for _ in range(7):
            begin = time.process_time()
            if part == "maps":
                model.predict(cube)
            else:
                for i in range(0, len(spectra), 512):
                    z = encode(features(spectra[i : i + 512], known.scaling, 0), known.weights, known.net)
                    distances(z, centers).argmin(1)
            rates.append(len(spectra) / (time.process_time() - begin))
    print(json.dumps(float(np.median(rates))))


def whole(path: str, n_clusters: str) -> None:
    """Wall and CPU seconds of fit and predict of a cube on disk, and the peak of memory."""
    from spaxel import DeepSpectralClustering, open_cube
    from spaxel.store.provenance import peak_memory

    cube = open_cube(path)
    wall, cpu = time.perf_counter(), time.process_time()
    model = DeepSpectralClustering(int(n_clusters), memory=2**28).fit(cube)
    fitted = time.perf_counter(), time.process_time()
    model.predict(cube)
    found = {"fit_wall": fitted[0] - wall, "fit_cpu": fitted[1] - cpu, "predict_wall": time.perf_counter() - fitted[0]}
    found |= {"predict_cpu": time.process_time() - fitted[1], "peak_bytes": peak_memory()}
    print(json.dumps(found | {"epochs": model.info_["deep"]["epochs"]}))


PARTS = {"step": step, "predict": predict, "whole": whole}


def ask(*words: str) -> Any:
    """Run one measurement in a process of its own."""
    said = subprocess.run(
        [sys.executable, __file__, "--one", *words], check=True, capture_output=True, text=True
    ).stdout
    log(f"{' '.join(words)}: {said.strip()}")
    return json.loads(said.splitlines()[-1])


def main() -> None:
    """Run and write benchmarks/results/dsc_speed.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="steps and prediction alone, nothing is written")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        PARTS[chosen.one[0]](*chosen.one[1:])
        return
    about = head()
    nets = (
        ("none", "plain"),
        ("simplified", "plain"),
        ("dec", "plain"),
        ("silhouette", "plain"),
        ("simplified", "snn"),
    )
    steps = {f"{net}, {loss}": ask("step", loss, net) for loss, net in nets}
    rates = {part: ask("predict", part) for part in ("labels", "maps")}
    rows = [[f"training step, {name}", f"{rate:,.0f}", f"{BARS['step']:,}"] for name, rate in steps.items()]
    rows += [[f"prediction, {name}", f"{rate:,.0f}", f"{BARS['predict']:,}"] for name, rate in rates.items()]
    first = table(("1024 channels, latent 3", "spectra per CPU second", "bar"), rows)
    if chosen.quick:
        print(first)
        return
    cubes = {}
    with TemporaryDirectory() as folder:
        for shape in ((256, 256, 1024), (512, 512, 2048)):
            cubes[" x ".join(map(str, shape))] = ask("whole", str(zarr_cube(Path(folder), *shape)), "6")
    keys = ("fit_wall", "fit_cpu", "predict_wall", "predict_cpu")
    lines = [[name, *(f"{v[k]:.0f}" for k in keys), f"{v['peak_bytes'] / 2**30:.2f}"] for name, v in cubes.items()]
    second = table(("cube, uint16 Zarr", "fit, s wall", "CPU", "predict, s wall", "CPU", "peak GiB"), lines)
    write_json("dsc_speed", about, steps=steps, predict=rates, cubes=cubes)
    write_page("dsc_speed", "How long deep spectral clustering takes", about, [first, second])


if __name__ == "__main__":
    main()
