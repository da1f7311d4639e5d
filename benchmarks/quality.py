"""How well labels agree with a truth: ours and plain baselines on the same input, over five seeds.

Defaults are chosen on the simulated worlds alone; real scenes are only reported. All pixels are clustered, the labelled
ones are scored. The seed changes the world and the method; on real scenes only the method.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as Lloyd
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from common import RESULTS, Scene, head, log, paintings, real, reflectances, write_json
from quality_tables import tables, write_tables
from spaxel import KMeans, cut
from spaxel.metrics import score
from spaxel.preprocess import SCALINGS

REAL = {
    "Samson": "samson/Samson.mat",
    "SalinasA": "salinas_a/SalinasA_corrected.mat",
    "HYDICE": "hydice/HYDICE_data.mat",  # a rare class: 19 pixels of 8000
}
FAMILIES = ("maxrf", "reflectance", "real")
Rows = list[dict[str, Any]]


def scenes(name: str, seeds: range, quick: bool) -> Iterator[Scene]:
    """Simulated paintings, simulated reflectance, or real scenes."""
    if quick:
        seeds = range(1)
    pigments, counts = ((3,), (200,)) if quick else ((3, 6, 12), (50, 200, 1000))
    materials, noises = ((3,), (0.03,)) if quick else ((3, 5, 8), (0.005, 0.03))
    if name == "maxrf":
        return paintings(pigments, counts, seeds, (96, 96, 256))
    if name == "reflectance":
        return reflectances(materials, (0.4,), noises, seeds)
    return (real(title, path, seed) for title, path in REAL.items() for seed in seeds)


def unit(spectra: np.ndarray) -> np.ndarray:
    """Each spectrum to norm 1."""
    return spectra / np.maximum(np.linalg.norm(spectra, axis=1, keepdims=True), 1e-12)


def standardised(spectra: np.ndarray) -> np.ndarray:
    """Each channel to mean 0, standard deviation 1; constant channels to 0."""
    spread = spectra.std(0)
    return (spectra - spectra.mean(0)) / np.where(spread > 0, spread, 1)


def mixture(spectra: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Gaussian mixture with full covariances on ten principal components, the first scaled to variance 1."""
    scores = PCA(10, random_state=seed).fit_transform(spectra)
    fit = GaussianMixture(k, random_state=seed, max_iter=300, reg_covar=1e-6)
    return fit.fit_predict(scores / scores[:, 0].std())


def lloyd(spectra: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k-means of scikit-learn with ten restarts."""
    return Lloyd(k, n_init=10, random_state=seed).fit_predict(spectra)


BASELINES: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "sklearn k-means, raw": lloyd,
    "sklearn k-means, unit norm": lambda x, k, seed: lloyd(unit(x), k, seed),
    "sklearn k-means, z-score": lambda x, k, seed: lloyd(standardised(x), k, seed),
    "GMM full, 10 PCs": mixture,
}


def measured(scene: Scene, method: str, function: Callable[[], np.ndarray], **more: Any) -> dict[str, Any]:
    """One row: scene, method, matched accuracy, ARI, IoU of the smallest class, CPU seconds."""
    cpu = time.process_time()
    labels = function()
    cpu = time.process_time() - cpu
    found = score(labels, scene.truth)
    names, sizes = np.unique(scene.truth[scene.truth >= 0], return_counts=True)
    row = {"family": scene.family, "setting": scene.setting, "seed": scene.seed, "k": scene.k, "method": method}
    row |= {"accuracy": found["accuracy"], "ari": found["ari"], "n_components": found["n_components"]}
    return row | {"rare_iou": found["iou"][str(names[sizes.argmin()])], "cpu_seconds": round(cpu, 2)} | more


def baselines(scene: Scene) -> Rows:
    """Plain methods on all pixels."""
    shape = scene.cube["spectra"].shape
    spectra = scene.cube["spectra"].values.reshape(-1, shape[2]).astype(np.float32)
    return [
        measured(scene, name, lambda f=f: f(spectra, scene.k, scene.seed).reshape(shape[:2]))
        for name, f in BASELINES.items()
    ]


def ours(scene: Scene) -> Rows:
    """spaxel.KMeans with the number of components given: defaults, every fixed scaling, linkages."""
    settings: dict[str, dict[str, Any]] = {"spaxel": {}}
    settings |= {f"spaxel, scaling {name}": {"scaling": name} for name in SCALINGS}
    if scene.family == "real":  # elsewhere `automatic` cuts the same trees at the true K
        settings |= {f"spaxel, linkage {name}": {"linkage": name} for name in ("centroid", "connectivity")}
    rows = []
    for name, options in settings.items():
        model = KMeans(scene.k, random_state=scene.seed, **options)
        row = measured(scene, name, lambda model=model: model.fit(scene.cube).predict(scene.cube)["labels"].values)
        rows.append(row | {"scaling": model.info_["scaling"]})
    return rows


def automatic(scene: Scene, linkage: str) -> Rows:
    """spaxel.KMeans with K = auto: at the chosen level, at the true K, at the finest level."""
    model = KMeans("auto", linkage=linkage, random_state=scene.seed).fit(scene.cube)
    result = model.predict(scene.cube)
    finest = len(result["merge_tree"]) + 1
    said = {"said": max(model.info_["probability"]), "scaling": model.info_["scaling"]}
    at = {"chosen level": model.info_["n_components"], "true K": min(scene.k, finest), "finest level": finest}
    return [
        measured(scene, f"auto {linkage}, {name}", lambda k=k: cut(result, k)["labels"].values, **said)
        for name, k in at.items()
    ]


PARTS: dict[str, Callable[[Scene], Rows]] = {
    "given": ours,
    "auto-centroid": lambda scene: automatic(scene, "centroid"),
    "auto-connectivity": lambda scene: automatic(scene, "connectivity"),
    "baselines": baselines,
}


def family(name: str, seeds: range, quick: bool, parts: list[str]) -> Rows:
    """All rows of one family of scenes."""
    rows = []
    for scene in scenes(name, seeds, quick):
        start = time.perf_counter()
        for part in parts:
            rows += PARTS[part](scene)
        log(f"{scene.family} {scene.setting} seed {scene.seed}: {time.perf_counter() - start:.0f} s")
    return rows


def main() -> None:
    """Run and write benchmarks/results/quality.{json,md}; what is not asked for keeps its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed of few scenes, nothing is written")
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=FAMILIES, help="families of scenes")
    parser.add_argument("--parts", nargs="+", choices=[*PARTS], default=[*PARTS], help="methods")
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    about, rows = head(), []
    for name in chosen.only:
        with threadpool_limits(1):
            found = family(name, range(chosen.seeds), chosen.quick, chosen.parts)
        rows += found
        if not chosen.quick:
            write_tables(*merged(about, name, chosen.parts, found))
    if chosen.quick:
        print(tables(rows))


def merged(about: dict[str, Any], name: str, parts: list[str], rows: Rows) -> tuple[dict[str, Any], Rows]:
    """Put the rows of a family in place of the old ones of the same methods in quality.json."""
    path = RESULTS / "quality.json"
    old = json.loads(path.read_text("utf-8")) if path.exists() else {}
    new = {row["method"] for row in rows}
    made = {f"{name}, {part}": f"{about['date']}, {about['spaxel']}" for part in parts}
    about = about | {"measured": old.get("measured", {}) | made}
    kept = [row for row in old.get("rows", []) if row["family"] != name or row["method"] not in new]
    stored = sorted(kept + rows, key=lambda row: FAMILIES.index(row["family"]))
    write_json("quality", about, rows=stored)
    return about, stored


if __name__ == "__main__":
    main()
