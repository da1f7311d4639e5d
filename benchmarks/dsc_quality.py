"""Deep spectral clustering against plain pipelines, the number of components given, on worlds and scenes of its own.

The setting of DSC was fixed on simulated worlds of seeds below 100 and is the same for every case; so are the pipelines.
To add a case: a line in CASES. All pixels are clustered, the labelled ones are scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.cluster import KMeans as Lloyd
from sklearn.decomposition import NMF
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

import spaxel
from common import DATA, Scene, as_scene, log, painting, real, run_cases, table, write_json, write_page
from spaxel import DeepSpectralClustering, KMeans
from spaxel.cube.sampling import sample_spectra
from spaxel.linear.pca import fit_pca
from spaxel.metrics import score
from spaxel.preprocess import choose_scaling, fit_scaling
from spaxel.synth import simulate

SEEDS = tuple(range(120, 125))
IMAGE = (48, 48, 128)
LAYERED = {"layers": 2, "relief": 0.5, "pileup": 0.05}
NO_TRUTH = "EDS, bcf_v2"  # agreement between seeds only
EDS_GROUPS = 6


def layered(counts: float, seed: int) -> Scene:
    """A painting of uneven thickness over an underpainting, with piled-up photons."""
    size = dict(zip(("height", "width", "channels"), IMAGE, strict=True))
    return as_scene(
        "layered",
        f"{counts:g}",
        seed,
        simulate("maxrf", **size, seed=seed, n_pigments=8, counts=counts, **LAYERED).load(),
    )


def galaxy(snr: float, seed: int) -> Scene:
    """A rotating galaxy, 5 Angstrom per channel."""
    cube = simulate("ifu", height=56, width=56, channels=480, seed=seed, snr=snr, rotation=250.0)
    return as_scene("galaxy", f"S/N {snr:g}", seed, cube.load())


def eds(seed: int) -> Scene:
    """An EDS map without a truth, channels of 80 eV."""
    cube = spaxel.rebin(spaxel.open_cube(DATA / "eds_bruker" / "bcf_v2_50x50px.bcf"), 8).load()
    return Scene("real", NO_TRUTH, seed, cube, np.full((50, 50), -1), EDS_GROUPS)


CASES: dict[str, Callable[[int], Scene]] = {
    **{f"maxrf {n}": lambda seed, n=n: painting(8, n, seed, IMAGE) for n in (50, 200, 1000)},
    **{f"layered {n}": lambda seed, n=n: layered(n, seed) for n in (50, 200, 1000)},
    **{f"galaxy {n}": lambda seed, n=n: galaxy(n, seed) for n in (4, 12, 36)},
    "SalinasA": lambda seed: real("SalinasA", "salinas_a/SalinasA_corrected.mat", seed),
    "Samson": lambda seed: real("Samson", "samson/Samson.mat", seed),
    "HYDICE": lambda seed: real("HYDICE", "hydice/HYDICE_data.mat", seed),
    NO_TRUTH: eds,
}
DSC: dict[str, Any] = {"context": 3, "clustering": "simplified", "gamma": 0.1}  # the one fixed setting
START: dict[str, Any] = {"context": 3, "epochs": 0}
OURS: dict[str, dict[str, Any]] = {
    "DSC": DSC,
    "DSC, gamma = 0": DSC | {"gamma": 0.0},
    "DSC, net kept if a tenth better": DSC | {"margin": 0.1},
    "DSC, nothing trained": START,
    "nothing trained, pixels alone": START | {"context": 0},
    "nothing trained, smoothing 1": START | {"smoothing": 1.0},
    "scaled PCA + context + near-by distances + k-means": START | {"metric": "nearby"},
    "scaled PCA + context + k-means": START | {"metric": "plain"},
    "scaled PCA + k-means + smoothing 1": {"epochs": 0, "metric": "plain", "smoothing": 1.0},
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
            deep = {key: model.info_["deep"][key] for key in ("criterion", "kept", "changed", "starts")}
            deep["scaling"] = model.info_["scaling"]
        else:
            labels = PLAIN[method](scene)
        row = {"case": case, "seed": scene.seed, "method": method}
        if case == NO_TRUTH:
            row["labels"] = "".join(map(str, labels))  # below ten components
        else:
            found = score(labels.reshape(scene.truth.shape), scene.truth)
            row |= {"ari": found["ari"], "accuracy": found["accuracy"]}
        rows.append(row | {"cpu_seconds": round(time.process_time() - cpu, 2)} | deep)
    log(f"{case} seed {scene.seed}: " + ", ".join(f"{r['method']} {r.get('ari', 0):.3f}" for r in rows))
    return rows


def between_seeds(rows: list[dict[str, Any]]) -> str:
    """Mean and worst ARI between the labels of two seeds, where there is no truth."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        held = [np.array(list(r["labels"])) for r in rows if r["method"] == method and "labels" in r]
        agree = [adjusted_rand_score(a, b) for a, b in combinations(held, 2)]
        lines.append([method, f"{np.mean(agree):.3f} / {min(agree):.3f}" if agree else "–"])
    return table((NO_TRUTH, "ARI between seeds"), lines)


def against_plain(rows: list[dict[str, Any]]) -> str:
    """Case by case: DSC, the best one plain pipeline over all cases, the difference of means, the spread over seeds."""
    scored = [r for r in rows if "ari" in r]
    cases = list(dict.fromkeys(r["case"] for r in scored))
    found = {(r["case"], r["method"], r["seed"]): r["ari"] for r in scored}

    def of(case: str, method: str) -> np.ndarray:
        return np.array([v for (c, m, _), v in found.items() if (c, m) == (case, method)])

    best = max(PLAIN, key=lambda m: np.mean([of(c, m).mean() for c in cases]))
    lines = []
    for case in cases:
        ours, theirs = of(case, "DSC"), of(case, best)
        gain = ours - theirs
        lines.append([case, f"{ours.mean():.3f}", f"{theirs.mean():.3f}", f"{gain.mean():+.3f}", f"{gain.std():.3f}",
                      f"{theirs.std():.3f}", f"{(gain > 0).sum()} of {len(gain)}"])  # fmt: skip
    means = [np.mean([of(c, m).mean() for c in cases]) for m in ("DSC", best)]
    lines.append(["mean of cases", f"{means[0]:.3f}", f"{means[1]:.3f}", f"{means[0] - means[1]:+.3f}", "", "", ""])
    head = ("case", "DSC", best, "difference", "its sd over seeds", f"sd of {best}", "DSC higher")
    return table(head, lines)


def cell(rows: list[dict[str, Any]], key: str = "ari") -> str:
    """'mean / worst'."""
    values = [row[key] for row in rows]
    return f"{np.mean(values):.3f} / {min(values):.3f}" if values else "–"


def by_case(rows: list[dict[str, Any]], key: str) -> str:
    """A row per method, a column per case, and the mean over cases."""
    rows = [row for row in rows if key in row]
    cases = list(dict.fromkeys(row["case"] for row in rows))
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        some = [[r for r in rows if r["case"] == case and r["method"] == method] for case in cases]
        mean = np.mean([np.mean([r[key] for r in part]) for part in some])
        lines.append([method, *(cell(part, key) for part in some), f"{mean:.3f}"])
    return table([key, *cases, "mean of cases"], lines)


def agreement(rows: list[dict[str, Any]]) -> str:
    """Rank correlation of criterion and ARI over our settings with a context, world by world, where they differ."""
    found: dict[str, list[float]] = {}
    asked = [r for r in rows if "ari" in r and OURS.get(r["method"], {}).get("context")]
    for case, seed in dict.fromkeys((r["case"], r["seed"]) for r in asked):
        some = [r for r in asked if (r["case"], r["seed"]) == (case, seed) and not OURS[r["method"]].get("smoothing")]
        pairs = {(round(r["criterion"][r["kept"]], 6), round(r["ari"], 6)) for r in some}
        if len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1:
            found.setdefault(case, []).append(float(spearmanr(*zip(*pairs, strict=True))[0]))
    lines = [[case, str(len(values)), f"{np.mean(values):+.2f}"] for case, values in found.items()]
    return table(("case", "worlds in which settings differ", "mean rank correlation"), lines)


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """benchmarks/results/dsc_quality.{json,md}."""
    kept = [
        f"{r['case']} {r['seed']}: {r['scaling']}, {r['kept']} ({r['changed']:.1%} changed)"
        for r in rows
        if r["method"] == "DSC"
    ]
    parts = [
        "Mean / worst over seeds; the number of components is given. On real scenes the seed is that of the method.",
        against_plain(rows), *(by_case(rows, key) for key in ("ari", "accuracy", "cpu_seconds")), between_seeds(rows),
        "## The criterion and the truth", agreement(rows), "## What was kept", "; ".join(kept),
    ]  # fmt: skip
    write_json(ROWS, about, rows=rows)
    write_page(ROWS, "Deep spectral clustering against plain pipelines", about, parts)


if __name__ == "__main__":
    run_cases(ROWS, __doc__, CASES, SEEDS, rows_of, report)
