"""What missing values cost: agreement with the truth with gaps and without, for every method on four kinds of data.

Usage: python benchmarks/missing.py [method ...]      Writes results/missing.json and missing.md.

whole   nothing is missing                    3 %, 10 %  of the values, scattered (dead and masked values)
block   the upper 40 % of the channels of a fifth of the pixels (a detector that ends early)
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

import spaxel
from common import Scene, as_scene, head, log, painting, reflectance, table, write_json, write_page
from spaxel.methods.registry import METHODS, method_class
from spaxel.preprocess import mask_channels

SEEDS = range(5)
GAPS = ("whole", "3 %", "10 %", "block")
KINDS = ("counts", "reflectance", "galaxy", "Raman")
SMALL = {
    "dsc": {"epochs": 5, "context": 3},
    "dgc": {"epochs": 3, "epochs_views": 1, "tiles": 3, "reuse": 5},
    "ebgmcr": {"epochs": 30},
}


def raman(seed: int) -> Scene:
    """Narrow bands of four materials on a fluorescence that differs from pixel to pixel, in brightness too."""
    rng = np.random.default_rng([seed, 77])
    u, labels = np.linspace(0, 1, 120), np.arange(32) * 4 // 32 * np.ones((30, 1), int)
    places = rng.random((4, 5))
    bands = np.exp(-(((u - places[:, :, None]) / 0.012) ** 2)).sum(1) + 0.05
    glow = 0.4 * np.exp(-u) * rng.uniform(0.7, 1.3, (30, 32, 1))
    spectra = (bands[labels] + glow) * np.exp(rng.normal(0, 0.3, (30, 32, 1)))
    spectra = 300 * (spectra + rng.normal(0, 0.08, spectra.shape))
    cube = spaxel.make_cube(spectra.astype(np.float32), 400 + 12 * u * 100, "1/cm", truth_labels=labels)
    return as_scene("Raman", "4 materials", seed, cube)


def scenes(kind: str) -> Iterator[Scene]:
    """One scene of this kind for each seed."""
    for seed in SEEDS:
        if kind == "counts":
            yield painting(4, 300, seed, (30, 32, 64))
        elif kind == "reflectance":
            yield reflectance(4, 0.4, 0.02, seed, (30, 32))
        elif kind == "galaxy":
            yield as_scene(
                "galaxy", "ifu", seed, spaxel.simulate("ifu", height=32, width=32, channels=100, seed=seed).load()
            )
        else:
            yield raman(seed)


def with_gaps(scene: Scene, gaps: str) -> np.ndarray:
    """The spectra of a scene with such gaps, float32."""
    spectra = scene.cube["spectra"].values.astype(np.float32)
    rng = np.random.default_rng([scene.seed, 5])
    if gaps == "block":
        pixels = rng.random(spectra.shape[:2]) < 0.2
        spectra[pixels, int(0.6 * spectra.shape[2]) :] = np.nan
    elif gaps != "whole":
        spectra[rng.random(spectra.shape) < float(gaps.split()[0]) / 100] = np.nan
    return spectra


def agreement(method: str, scene: Scene, gaps: str) -> tuple[float, float]:
    """ARI with the truth where a label is, and the share of pixels that lost theirs."""
    cube = scene.cube.assign(spectra=(("y", "x", "channel"), with_gaps(scene, gaps)))
    number = {"n_clusters" if hasattr(method_class(method), "n_clusters") else "n_components": scene.k}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cube = mask_channels(cube)
        model = method_class(method)(**number, **SMALL.get(method, {}), random_state=scene.seed).fit(cube)
        result = model.predict(cube) if hasattr(model, "predict") else model.transform(cube)
    labels, known = result["labels"].values, scene.truth >= 0
    return adjusted_rand_score(scene.truth[known], labels[known]), float((labels[known] < 0).mean())


def main() -> None:
    """All methods, kinds, gaps and seeds; written after each method, so that a run that is stopped leaves what it has."""
    about, methods = head(), sys.argv[1:] or list(METHODS)
    cases = {kind: list(scenes(kind)) for kind in KINDS}
    found: list[dict[str, Any]] = []
    for method in methods:
        for kind in KINDS:
            got = np.array([[agreement(method, scene, gaps) for gaps in GAPS] for scene in cases[kind]])
            found.append({"kind": kind, "method": method, "ari": got[..., 0], "lost": got[..., 1]})
            log(" ".join(row(found[-1])))
        written(about, found)


def row(one: dict[str, Any]) -> list[str]:
    """A line of the table."""
    ari, change = one["ari"], one["ari"] - one["ari"][:, :1]
    cells = [f"{change[:, i].mean():+.3f} ({change[:, i].min():+.3f})" for i in range(1, len(GAPS))]
    return [one["kind"], one["method"], f"{ari[:, 0].mean():.3f}", *cells, f"{one['lost'].max():.1%}"]


def written(about: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """results/missing.json and missing.md of what is found so far."""
    write_json("missing", about, seeds=len(SEEDS), gaps=GAPS, found=found)
    columns = [
        "data",
        "method",
        "ARI, whole",
        *(f"{gaps}: change (worst seed)" for gaps in GAPS[1:]),
        "pixels lost, most",
    ]
    words = (
        "Agreement (ARI) with the truth of maps of simulated scenes, mean of five seeds at the true number of components, and "
        "what changes where values are missing: 3 % and 10 % of all values, scattered; or the upper 40 % of the channels in a "
        "fifth of the pixels. Networks are trained for a few epochs only; ARI of a method itself moves by some hundredths from "
        "seed to seed on scenes as small as these."
    )
    rows = sorted(map(row, found), key=lambda cells: KINDS.index(cells[0]))
    write_page("missing", "What missing values cost", about, [words, table(columns, rows)])


if __name__ == "__main__":
    main()
