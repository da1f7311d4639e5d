"""Deep spectral clustering against plain pipelines, the number of components given, on worlds and scenes of its own.

The setting of DSC was fixed on simulated worlds of seeds below 100 and is the same for every case; so are the pipelines.
To add a case: a line in CASES. All pixels are clustered, the labelled ones are scored.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as Lloyd
from sklearn.decomposition import NMF
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from common import RESULTS, Scene, head, log, painting, real, table, write_json, write_page
from spaxel import DeepSpectralClustering, KMeans
from spaxel.linear.pca import fit_pca
from spaxel.metrics import score
from spaxel.preprocess import choose_scaling, fit_scaling
from spaxel.sampling import sample_spectra

SEEDS = tuple(range(120, 125))
IMAGE = (48, 48, 128)
EDS_GROUPS = 6  # asked of the scene without a truth

CASES: dict[str, Callable[[int], Scene]] = {
    "maxrf, 50 counts": lambda seed: painting(8, 50, seed, IMAGE),
    "maxrf, 200 counts": lambda seed: painting(8, 200, seed, IMAGE),
    "maxrf, 1000 counts": lambda seed: painting(8, 1000, seed, IMAGE),
    "SalinasA": lambda seed: real("SalinasA", "salinas_a/SalinasA_corrected.mat", seed),
    "Samson": lambda seed: real("Samson", "samson/Samson.mat", seed),
    "HYDICE": lambda seed: real("HYDICE", "hydice/HYDICE_data.mat", seed),
}
DSC: dict[str, Any] = {"context": 3, "clustering": "simplified", "gamma": 0.1}  # the one fixed setting
OURS: dict[str, dict[str, Any]] = {
    "DSC": DSC,
    "DSC, gamma = 0": DSC | {"gamma": 0.0},
    "DSC, nothing trained": DSC | {"epochs": 0},
    "DSC, pixels alone": DSC | {"context": 0},
}
ROWS = "dsc_quality"


def spectra_of(scene: Scene) -> np.ndarray:
    """(pixel, channel) float64."""
    values = scene.cube["spectra"].values
    return values.reshape(-1, values.shape[2]).astype(np.float64)


def scores_of(scene: Scene) -> np.ndarray:
    """Scaled principal components, as spaxel.KMeans makes them."""
    sample = sample_spectra(scene.cube, 20_000, scene.seed)
    scaling = fit_scaling(choose_scaling(sample, scene.k, scene.seed).name, sample)
    scaled = scaling(spectra_of(scene))
    projection = fit_pca(scaled, None, scene.seed)
    scores = (scaled - projection.mean) @ projection.basis
    return scores / scores[:, 0].std()


def lloyd(features: np.ndarray, scene: Scene) -> np.ndarray:
    """k-means with ten restarts."""
    return Lloyd(scene.k, n_init=10, random_state=scene.seed).fit_predict(features)


def nmf(scene: Scene) -> np.ndarray:
    """k-means on the amounts of a non-negative factorisation with as many components."""
    model = NMF(scene.k, init="nndsvda", max_iter=200, tol=1e-3, random_state=scene.seed)
    return lloyd(model.fit_transform(np.maximum(spectra_of(scene), 0)), scene)


def mixture(scene: Scene) -> np.ndarray:
    """Gaussian mixture with full covariances, started from k-means."""
    return GaussianMixture(scene.k, random_state=scene.seed, max_iter=200, reg_covar=1e-6).fit_predict(scores_of(scene))


def fitted(model: Any, scene: Scene) -> np.ndarray:
    """Labels of one of our methods."""
    return model.fit(scene.cube).predict(scene.cube)["labels"].values.ravel()


PLAIN: dict[str, Callable[[Scene], np.ndarray]] = {
    "k-means, raw": lambda s: lloyd(spectra_of(s), s),
    "scaled PCA + k-means": lambda s: fitted(KMeans(s.k, random_state=s.seed), s),
    "correspondence scaling + k-means": lambda s: fitted(KMeans(s.k, scaling="counts", random_state=s.seed), s),
    "NMF + k-means": nmf,
    "GMM full, scaled PCA": mixture,
    "over-cluster + connectivity": lambda s: fitted(KMeans(s.k, linkage="connectivity", random_state=s.seed), s),
}


def rows_of(case: str, scene: Scene) -> list[dict[str, Any]]:
    """One row per method."""
    rows = []
    for method in [*OURS, *PLAIN]:
        cpu, deep = time.process_time(), {}
        if method in OURS:
            model = DeepSpectralClustering(scene.k, random_state=scene.seed, **OURS[method])
            labels = fitted(model, scene)
            deep = {key: model.info_["deep"][key] for key in ("criterion", "kept", "changed")}
        else:
            labels = PLAIN[method](scene)
        found = score(labels.reshape(scene.truth.shape), scene.truth)
        row = {"case": case, "seed": scene.seed, "method": method, "ari": found["ari"], "accuracy": found["accuracy"]}
        rows.append(row | {"cpu_seconds": round(time.process_time() - cpu, 2)} | deep)
    log(f"{case} seed {scene.seed}: " + ", ".join(f"{r['method']} {r['ari']:.3f}" for r in rows))
    return rows


def cell(rows: list[dict[str, Any]], key: str = "ari") -> str:
    """'mean / worst'."""
    values = [row[key] for row in rows]
    return f"{np.mean(values):.3f} / {min(values):.3f}" if values else "–"


def by_case(rows: list[dict[str, Any]], key: str) -> str:
    """A row per method, a column per case, and the mean over cases."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        some = [[r for r in rows if r["case"] == case and r["method"] == method] for case in cases]
        mean = np.mean([np.mean([r[key] for r in part]) for part in some])
        lines.append([method, *(cell(part, key) for part in some), f"{mean:.3f}"])
    return table([key, *cases, "mean of cases"], lines)


def agreement(rows: list[dict[str, Any]]) -> str:
    """How often the state that the criterion likes better has the higher ARI, over pairs of our settings on a world."""
    from scipy.stats import spearmanr

    found: dict[str, list[float]] = {}
    for case in dict.fromkeys(row["case"] for row in rows):
        for seed in dict.fromkeys(row["seed"] for row in rows if row["case"] == case):
            some = [
                r
                for r in rows
                if r["case"] == case and r["seed"] == seed and r.get("criterion") and "alone" not in r["method"]
            ]
            pairs = {(round(r["criterion"][r["kept"]], 6), round(r["ari"], 6)) for r in some}
            if len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1:
                found.setdefault(case, []).append(float(spearmanr(*zip(*pairs, strict=True))[0]))
    lines = [[case, str(len(values)), f"{np.mean(values):+.2f}"] for case, values in found.items()]
    return table(("case", "worlds in which settings differ", "mean rank correlation"), lines)


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """benchmarks/results/dsc_quality.{json,md}."""
    kept = [f"{r['case']} {r['seed']}: {r['kept']} ({r['changed']:.1%} changed)" for r in rows if r["method"] == "DSC"]
    parts = [
        "Mean / worst over seeds; the number of components is given. On real scenes the seed is that of the method."
    ]
    parts += [
        by_case(rows, "ari"),
        by_case(rows, "accuracy"),
        by_case(rows, "cpu_seconds"),
        "## The criterion and the truth",
    ]
    parts += [agreement(rows), "## What was kept", "; ".join(kept)]
    write_json(ROWS, about, rows=rows)
    write_page(ROWS, "Deep spectral clustering against plain pipelines", about, parts)


def main() -> None:
    """Run the cases that are not in the results yet (all of them with --fresh)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--cases", nargs="+", choices=[*CASES], default=[*CASES])
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    chosen = parser.parse_args()
    about, path = head(), RESULTS / f"{ROWS}.json"
    rows = [] if chosen.fresh or not path.exists() else json.loads(path.read_text("utf-8"))["rows"]
    done = {(row["case"], row["seed"]) for row in rows}
    for seed in SEEDS[: chosen.seeds]:
        for case in chosen.cases:
            if (case, seed) in done:
                continue
            with threadpool_limits(1):
                rows += rows_of(case, CASES[case](seed))
            report(about, sorted(rows, key=lambda row: ([*CASES].index(row["case"]), row["seed"])))


if __name__ == "__main__":
    main()
