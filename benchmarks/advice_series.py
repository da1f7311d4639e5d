"""Could `--method auto` choose dgc for a series by itself? Signs of a short trial, beside what would have been right.

A series is 4 images: leaves (128 x 128 pixels, as in dgc_parts.py) or the quarters of a world of number_worlds.py. Consensus
and a trial of dgc (its tree on scores without a net, 4 CPU seconds) are fitted, the number found. dgc is right where its
ARI is higher by 0.05, wrong where it is lower by 0.02. Signs of either map, see `signs`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter
from sklearn.metrics import adjusted_rand_score

import spaxel
from common import log, run_cases, table, write_json, write_page
from dgc_parts import UNTRAINED, camera, lamp
from leaf import scenes
from number_worlds import KINDS
from spaxel.metrics import score

SEEDS = range(710, 715)
TUNING = (520,)
NAME, N, SIDE = "advice_series", 4, 128
GAIN, LOSS = 0.05, 0.02
Row = dict[str, Any]


def leaves(seed: int, version: str = "hard", by: Callable[..., Any] | None = None) -> list[xr.Dataset]:
    """Leaves on several days, of which every second is changed."""
    cubes, rng = scenes(version, range(100 * seed, 100 * seed + N), SIDE), np.random.default_rng([seed, 41])
    return [by(cube, rng) if by and i % 2 else cube for i, cube in enumerate(cubes)]


def quarters(kind: str, seed: int) -> list[xr.Dataset]:
    """A world in four pieces."""
    scene = KINDS[kind](seed)
    cube = scene.cube.assign(truth_labels=(("y", "x"), scene.truth))
    halves = [[slice(0, n // 2), slice(n // 2, None)] for n in scene.truth.shape]
    return [cube.isel(y=y, x=x) for y in halves[0] for x in halves[1]]


CASES: dict[str, Callable[[int], tuple[int, list[xr.Dataset]]]] = {
    "leaves, hard": lambda seed: (seed, leaves(seed)),
    "leaves, easy": lambda seed: (seed, leaves(seed, "easy")),
    "leaves, other lamps": lambda seed: (seed, leaves(seed, by=lamp)),
    "leaves, two cameras": lambda seed: (seed, leaves(seed, by=camera)),
} | {kind: lambda seed, k=kind: (seed, quarters(k, seed)) for kind in KINDS if kind != "one material"}


def signs(labels: list[np.ndarray], scores: list[np.ndarray]) -> Row:
    """Of a map: what it explains of directions and of scores, components the same from image to image, spots.

    explained : share of the variance of whitened directions (means of 3 x 3)      length : of log length
    apart : variance of the means of components between images, over that between components
    alone : share of pixels that have no neighbour of their component to the right and below
    least : share of the smallest component
    """
    good = [found >= 0 for found in labels]
    z = [np.concatenate([s / np.maximum(np.linalg.norm(s, axis=-1, keepdims=True), 1e-9)], -1) for s in scores]
    flat = np.concatenate([a[g] for a, g in zip(z, good, strict=True)])
    long = np.concatenate(
        [np.log(np.maximum(np.linalg.norm(s, axis=-1), 1e-9))[g] for s, g in zip(scores, good, strict=True)]
    )
    own = np.concatenate([a[g] for a, g in zip(labels, good, strict=True)])
    image = np.concatenate([np.full(g.sum(), i) for i, g in enumerate(good)])
    k = own.max() + 1
    size = np.bincount(own, minlength=k)
    mean = np.stack([flat[own == c].mean(0) if size[c] else np.zeros(flat.shape[1]) for c in range(k)])
    total = ((flat - flat.mean(0)) ** 2).sum()
    between = (size[:, None] * (mean - flat.mean(0)) ** 2).sum()
    tall = np.array([long[own == c].mean() if size[c] else 0 for c in range(k)])
    within = 0.0
    for c in range(k):
        for i in range(len(labels)):
            mine = (own == c) & (image == i)
            within += mine.sum() * ((flat[mine].mean(0) - mean[c]) ** 2).sum() if mine.any() else 0
    alone = np.mean([((a[:-1, :-1] != a[1:, :-1]) & (a[:-1, :-1] != a[:-1, 1:])).mean() for a in labels])
    bright = (size * (tall - long.mean()) ** 2).sum() / ((long - long.mean()) ** 2).sum()
    found = {"explained": between / total, "length": bright, "apart": within / max(between, 1e-9), "alone": alone}
    return found | {"least": size[size > 0].min() / size.sum(), "k": int((size > 0).sum())}


def rows_of(case: str, made: tuple[int, list[xr.Dataset]]) -> Iterator[Row]:
    """One row."""
    seed, cubes = made
    bare, truth = [cube[["spectra"]] for cube in cubes], [cube["truth_labels"].values for cube in cubes]
    row: Row = {"case": case, "seed": seed}
    maps, start = {}, time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = {
            "dgc": spaxel.DeepGlobalClustering(random_state=seed, **UNTRAINED).fit(bare),
            "consensus": spaxel.Segment(random_state=seed).fit(bare),
        }
        scores = [
            uniform_filter(cube["spectra"].values.astype(float) @ models["dgc"].state_["project"], (3, 3, 1))
            for cube in bare
        ]
        for name, model in models.items():
            results = [model.predict(cube) for cube in bare]
            maps[name] = [result["labels"].values for result in results]
            both = [np.concatenate([a.ravel() for a in part]) for part in (truth, maps[name])]
            known = (both[0] >= 0) & (both[1] >= 0)
            row |= {f"{name} ari": float(adjusted_rand_score(both[0][known], both[1][known]))}
            row |= {f"{name} iou": float(score(both[1][None], both[0][None])["mean_iou"])}
            found = signs(maps[name], scores) | {"dull": float(model.state_["sure_dull"][0])}
            found |= {"sure": float(np.mean([result["confidence"].mean() for result in results]))}
            row |= {f"{name} {key}": round(float(value), 4) for key, value in found.items()}
    row["agree"] = float(adjusted_rand_score(*(np.concatenate([a.ravel() for a in maps[name]]) for name in maps)))
    row["cpu"] = time.process_time() - start
    log(" ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()))
    yield row


def report(about: dict[str, Any], rows: list[Row]) -> None:
    """benchmarks/results/advice_series.{json,md}."""
    write_json(NAME, about, rows=rows)
    lines = [[r["case"], str(r["seed"]), f"{r['dgc ari']:.3f}", f"{r['consensus ari']:.3f}"] for r in rows]
    write_page(
        NAME,
        "Could dgc be chosen by itself?",
        about,
        [str(__doc__).strip(), table(("series", "seed", "dgc", "consensus"), lines)],
    )


if __name__ == "__main__":
    if "--tuning" in sys.argv:
        for number in TUNING:
            for case, make in CASES.items():
                list(rows_of(case, make(number)))
    else:
        run_cases(NAME, __doc__, CASES, SEEDS, rows_of, report)
