"""Baselines on simulated leaves: what a deep method for these scenes has to beat.

A run has some scenes to learn from and as many others to test on, two to eight days after infection, every fourth healthy. All
methods fit the same number of pixels. "Best merge" gives each cluster the class that most of its test pixels have: an
oracle, the upper end of what merging reaches. "Tree cut at 3" has no such help: its components are matched one to one.
Background / plant is scored after a best merge, always.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans as Lloyd
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

import spaxel
from common import head, log
from leaf_tables import CLASSES, store
from noise import neighbour_noise
from spaxel.results.cut import centroid_tree, component_table
from spaxel.synth.leaf.world import leaf

DAYS = (5, 3, 5, 8, 5, 2, 4, 6)  # every fourth is healthy, the first too
N_FIT = 20_000  # spectra that every method learns from, as spaxel.KMeans does


def scenes(version: str, seeds: Sequence[int], size: int) -> list[Any]:
    """One cube per seed, loaded, without its labels' two stages: truth_labels 0 background, 1 tissue, 2 lesion."""
    found = []
    for place, (seed, day) in enumerate(zip(seeds, DAYS, strict=False)):
        cube = leaf(size, size, seed=seed, day=day, healthy=place % 4 == 0, version=version)
        cube = cube[["spectra", "truth_labels"]].load()
        found.append(cube.assign(truth_labels=cube["truth_labels"].clip(max=2)))
    return found


def unit(spectra: np.ndarray) -> np.ndarray:
    """Each spectrum to norm 1."""
    return spectra / np.maximum(np.linalg.norm(spectra, axis=-1, keepdims=True), 1e-12)


def box(image: np.ndarray) -> np.ndarray:
    """The mean of 5 x 5 pixels."""
    return uniform_filter(image, (5, 5, 1))


class Train:
    """Scenes to learn from, and the pixels that all methods fit."""

    def __init__(self, cubes: list[Any], seed: int):
        self.cubes, self.seed = cubes, seed
        self.images = [cube["spectra"].values for cube in cubes]
        rng, n = np.random.default_rng(seed), N_FIT // len(cubes)
        self.pixels = [rng.choice(image.shape[0] * image.shape[1], n, replace=False) for image in self.images]

    def sample(self, features: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """(N_FIT, feature)"""
        parts = (features(image) for image in self.images)
        return np.concatenate([x.reshape(-1, x.shape[2])[p] for x, p in zip(parts, self.pixels, strict=True)])

    def whitening(self, n_components: int = 6) -> tuple[np.ndarray, np.ndarray]:
        """Mean and matrix (channel, n_components) of the minimum noise fraction; noise from neighbours, mean of all scenes."""
        noise = np.mean([neighbour_noise(image) for image in self.images], axis=0)
        values, vectors = np.linalg.eigh(noise)
        white = vectors / np.sqrt(np.maximum(values, 1e-12 * values.max()))
        pixels = self.sample(lambda image: image).astype(np.float64)
        mean = pixels.mean(0)
        return mean, white @ np.linalg.svd((pixels - mean) @ white, full_matrices=False)[2][:n_components].T


class Fitted(NamedTuple):
    """predict : image (y, x, channel) -> clusters (y, x)      component : (cluster,) of the tree cut at 3, or None"""

    predict: Callable[[np.ndarray], np.ndarray]
    component: np.ndarray | None


def lloyd(k: int, features: Callable[[np.ndarray], np.ndarray]) -> Callable[[Train], Fitted]:
    """k-means of scikit-learn on features of an image, and spaxel's merge tree over its clusters."""

    def fit(train: Train) -> Fitted:
        model = Lloyd(k, n_init=3, random_state=train.seed).fit(train.sample(features).astype(np.float32))
        sizes = np.bincount(model.labels_, minlength=k)
        tree = centroid_tree(model.cluster_centers_, sizes) if k > 3 else None
        component = np.arange(k) if tree is None else component_table(tree, sizes, 3)[0]
        return Fitted(lambda image: _by_row(model.predict, features(image).astype(np.float32)), component)

    return fit


def whitened(k: int, then_unit: bool, side: int = 1) -> Callable[[Train], Fitted]:
    """k-means on 6 noise-whitened components, or on their direction without the mean taken off."""

    def fit(train: Train) -> Fitted:
        mean, matrix = train.whitening()
        mean_of = (lambda image: uniform_filter(image, (side, side, 1))) if side > 1 else (lambda image: image)
        features = (
            (lambda image: unit(mean_of(image @ matrix))) if then_unit else (lambda image: (image - mean) @ matrix)
        )
        return lloyd(k, features)(train)

    return fit


def mixture(k: int) -> Callable[[Train], Fitted]:
    """Gaussian mixture with full covariances on ten principal components, the first scaled to variance 1."""

    def fit(train: Train) -> Fitted:
        pixels = train.sample(lambda image: image)
        pca = PCA(10, random_state=train.seed).fit(pixels)
        scale = pca.transform(pixels)[:, 0].std()
        model = GaussianMixture(k, random_state=train.seed, max_iter=200, reg_covar=1e-6)
        model.fit(pca.transform(pixels) / scale)
        return Fitted(lambda image: _by_row(lambda x: model.predict(pca.transform(x) / scale), image), None)

    return fit


def streaming(train: Train, **options: Any) -> Callable[[Any], np.ndarray]:
    """spaxel.KMeans with its defaults and a merge tree, cut at 3: cube -> labels."""
    model = spaxel.KMeans(3, linkage="centroid", random_state=train.seed, n_init=3, **options).fit(train.cubes)
    return lambda cube: model.predict(cube)["labels"].values


ON_IMAGES: dict[str, Callable[[Train], Fitted]] = {
    "k-means, K = 3": lloyd(3, lambda image: image),
    "k-means unit norm, K = 3": lloyd(3, unit),
    "k-means, K = 16": lloyd(16, lambda image: image),
    "k-means unit norm, K = 16": lloyd(16, unit),
    "k-means unit norm of 5 x 5 mean, K = 16": lloyd(16, lambda image: unit(box(image))),
    "noise-whitened k-means, K = 24": whitened(24, False),
    "noise-whitened unit norm k-means, K = 16": whitened(16, True),
    "noise-whitened unit norm k-means, K = 24": whitened(24, True),
    "noise-whitened unit norm of 3 x 3 mean k-means, K = 40": whitened(40, True, 3),
    "GMM full, 10 PCs, K = 8": mixture(8),
}
DEEP = "spaxel.DeepGlobalClustering"
START = "DGC, denoising and clusters alone (epochs_views = 0)"
STREAMING = "spaxel.KMeans (scaling chosen by itself)"
MERGE, CUT = ", best merge", ", tree cut at 3"


def confusion(wanted: list[np.ndarray], found: list[np.ndarray]) -> np.ndarray:
    """Pixels by class and cluster: (3, cluster), over all test scenes."""
    wanted, found = np.concatenate([a.ravel() for a in wanted]), np.concatenate([a.ravel() for a in found])
    counts = np.zeros((3, found.max() + 1), int)
    np.add.at(counts, (wanted, found), 1)
    return counts


def cut(fitted: Fitted, counts: np.ndarray) -> np.ndarray:
    """(cluster, component), 1 where a cluster is in a component."""
    return (fitted.component[: counts.shape[1], None] == np.arange(3)).astype(int)


def overlaps(counts: np.ndarray, how: str) -> dict[str, float]:
    """IoU of each class, their mean, and that of background / plant (tissue and lesion) where clusters are merged."""
    merged = _merged(counts) if how == MERGE else _matched(counts)
    plant = np.stack([counts[0], counts[1:].sum(0)])
    three, two = _iou(merged), _iou(_merged(plant))
    return dict(zip(CLASSES, three, strict=True)) | {"three": float(np.mean(three)), "two": float(np.mean(two))}


def _merged(counts: np.ndarray) -> np.ndarray:
    """Confusion (class, class) after each cluster became the class that most of it has."""
    return counts @ (counts.argmax(0)[:, None] == np.arange(len(counts)))


def _matched(counts: np.ndarray) -> np.ndarray:
    """Confusion (class, class + 1) after a one-to-one matching; the last column is what matches nothing."""
    rows, columns = linear_sum_assignment(-counts)
    square = np.zeros((len(counts), len(counts) + 1), int)
    square[:, rows] = counts[:, columns]
    square[:, -1] = counts.sum(1) - square.sum(1)
    return square


def _iou(square: np.ndarray) -> list[float]:
    hit, n = np.diagonal(square), len(square)
    return (hit / np.maximum(square.sum(1) + square.sum(0)[:n] - hit, 1)).tolist()


def _by_row(predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    return predict(image.reshape(-1, image.shape[2])).reshape(image.shape[:2])


def deep(
    train: Train, test: list[Any], truth: list[np.ndarray], epochs_views: int | None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """DeepGlobalClustering with its defaults and the tree cut at 3: confusions, and how the training went."""
    given = {} if epochs_views is None else {"epochs_views": epochs_views}
    model = spaxel.DeepGlobalClustering(n_clusters=3, random_state=train.seed, **given)
    cpu = time.process_time()
    model.fit([cube[["spectra"]] for cube in train.cubes])
    fit = time.process_time() - cpu
    results = [model.predict(cube[["spectra"]]) for cube in test]
    rate = len(test) * truth[0].size / (time.process_time() - cpu - fit)
    active = [line["active"] for line in model.info_["history"] if "active" in line]
    more = {"fit_seconds": round(fit, 1), "pixels_per_second": round(rate), "least_active": min(active, default=None)}
    counts = confusion(truth, [result["micro_labels"].values for result in results])
    return {MERGE: counts, CUT: confusion(truth, [result["labels"].values for result in results])}, more


def measured(version: str, run: int, size: int, n: int, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row per method. The seeds of the n scenes are 100 run, 100 run + 1 … to learn from and 100 run + 50 … to test on."""
    train = Train(scenes(version, range(100 * run, 100 * run + n), size), run)
    test = scenes(version, range(100 * run + 50, 100 * run + 50 + n), size)
    truth = [cube["truth_labels"].values for cube in test]
    share = float(np.mean([labels == 2 for labels in truth]))
    for name in names:
        cpu = time.process_time()
        found, more = {}, {}
        if name in (DEEP, START):
            found, more = deep(train, test, truth, 0 if name == START else None)
        elif name == STREAMING:
            labels = streaming(train)
            found[CUT] = confusion(truth, [labels(cube) for cube in test])
        else:
            fitted = ON_IMAGES[name](train)
            counts = confusion(truth, [fitted.predict(cube["spectra"].values) for cube in test])
            found = {MERGE: counts} if fitted.component is None else {MERGE: counts, CUT: counts @ cut(fitted, counts)}
        cpu = round(time.process_time() - cpu, 1)
        for how, counts in found.items():
            row = {"version": version, "run": run, "method": name + how, "lesion_share": round(share, 4)}
            row |= {key: round(value, 4) for key, value in overlaps(counts, how).items()}
            yield row | {"cpu_seconds": cpu} | more


def main() -> None:
    """Run and write benchmarks/results/leaf.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", nargs="+", default=["easy", "hard"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--first", type=int, default=120, help="first run; below 120 is for choosing")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--scenes", type=int, default=8, help="to learn from, and to test on: at most 8")
    parser.add_argument("--only", nargs="+", default=[""], help="methods whose name holds one of these words")
    parser.add_argument("--dry", action="store_true", help="nothing is written")
    chosen = parser.parse_args()
    about, names = (
        head(),
        [name for name in [*ON_IMAGES, STREAMING, START, DEEP] if any(word in name for word in chosen.only)],
    )
    for run in range(chosen.first, chosen.first + chosen.runs):
        rows = []
        for version in chosen.versions:
            with threadpool_limits(1):
                for row in measured(version, run, chosen.size, chosen.scenes, names):
                    rows.append(row)
                    log(" ".join(map(str, row.values())))
        if not chosen.dry:
            store(about, chosen.size, DAYS[: chosen.scenes], rows)


if __name__ == "__main__":
    main()
