"""Does a rare but distinct component survive to the level of the true number? Our tree beside Ward's on the same parts.

A scene is 96 x 96 pixels of k materials with soft borders (see common.reflectance), and one more in small discs that cover
0.5 %. Every tree joins the same 40 micro parts; what is compared is the cut at k + 1. Seeds
below 100 were looked at while the linkage was made, the table uses others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

import spaxel
from common import Scene, head, log, table, write_json, write_page
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.projection import project_blocks
from spaxel.results.cut import component_table
from spaxel.results.trees import centroid_tree, contact_tree, merge_tree

SIDE, RARE = 96, 0.005


def scene(k: int, light: float, noise: float, seed: int) -> Scene:
    """k materials and a rare one, label k, in discs of 2 to 4 pixels radius that cover 0.5 %."""
    rng = np.random.default_rng([k, int(light * 10), int(noise * 1000), seed, 77])
    field = np.stack([gaussian_filter(rng.normal(size=(SIDE, SIDE)), 8, mode="wrap") for _ in range(k)], -1)
    field = field / field.std() + rng.normal(size=k) * 0.3
    abundances = np.exp(field * 6)
    abundances /= abundances.sum(-1, keepdims=True)
    discs = _discs(rng)
    soft = gaussian_filter(discs.astype(float), 0.6)[..., None]
    abundances = np.concatenate([abundances * (1 - soft), soft], -1)
    materials = _materials(rng, k)
    bright = np.exp(light * 24 * gaussian_filter(rng.normal(size=(SIDE, SIDE)), 15, mode="wrap"))[..., None]
    spectra = (abundances @ materials) * bright
    spectra = (spectra + rng.normal(size=spectra.shape) * noise).astype(np.float32)
    cube = spaxel.make_cube(spectra, 400 + 5 * np.arange(120), "nm")
    return Scene(
        "rare", f"{k} + 1 materials, light {light:g}, noise {noise:g}", seed, cube, abundances.argmax(-1), k + 1
    )


def _materials(rng: np.random.Generator, k: int) -> np.ndarray:
    """k + 1 smooth spectra; the last is distinct: farther from every mixture of two others than half their mean distance."""
    while True:
        smooth = [gaussian_filter(rng.normal(size=120), 12, mode="nearest") for _ in range(k + 1)]
        found = np.stack([0.2 + 0.4 * rng.random() + 1.2 * bend for bend in smooth]).clip(0.02)
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        share = np.linspace(0, 1, 11)[:, None]
        mixed = np.concatenate([share * a + (1 - share) * b for a, b in combinations(unit[:-1], 2)])
        apart = np.mean([np.linalg.norm(a - b) for a, b in combinations(unit[:-1], 2)])
        if np.linalg.norm(mixed - unit[-1], axis=1).min() > apart / 2:
            return found


def _discs(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    found = np.zeros((SIDE, SIDE), bool)
    while found.mean() < RARE:
        (a, b), radius = rng.uniform(5, SIDE - 5, 2), rng.uniform(1.5, 3)
        found |= (y - a) ** 2 + (x - b) ** 2 <= radius**2
    return found


def ward_tree(centers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Ward's tree of weighted parts: the two whose union adds least to the sum of squares. Contact plays no part."""
    centers, sizes = centers.astype(float).copy(), sizes.astype(float).copy()

    def distance(i: int) -> np.ndarray:
        return np.sqrt(sizes[i] * sizes / (sizes[i] + sizes)) * np.linalg.norm(centers - centers[i], axis=1)

    def update(i: int, j: int) -> np.ndarray:
        centers[i] = (sizes[i] * centers[i] + sizes[j] * centers[j]) / (sizes[i] + sizes[j])
        sizes[i] += sizes[j]
        return distance(i)

    return merge_tree(np.stack([distance(i) for i in range(len(sizes))]), sizes, update)


def parts(item: Scene, linkage: str) -> dict[str, Any]:
    """A fit: its parts, the part of each pixel, contact of parts, and its own tree cut at the true number."""
    model = spaxel.KMeans(random_state=item.seed, linkage=linkage).fit(item.cube)
    state = model.state_
    scores = project_blocks(item.cube["spectra"].values.reshape(-1, item.cube.sizes["channel"]), model._model())
    micro = distances(scores, state["centers"]).argmin(1)
    image, contact = micro.reshape(SIDE, SIDE), np.zeros((len(state["centers"]),) * 2)
    np.add.at(contact, (image[:, 1:].ravel(), image[:, :-1].ravel()), 1)
    own = component_table(state["tree"], state["micro_size"], item.k)[0][micro]
    return {"scores": scores, "centers": state["centers"], "micro": micro, "contact": contact, "own": own}


def one(item: Scene) -> dict[str, Any]:
    """IoU of the rare component (of the best match) and ARI of every way, at the true number."""
    fit = parts(item, "centroid")
    sizes = np.bincount(fit["micro"], minlength=len(fit["centers"]))
    trees = {
        "Ward's tree": ward_tree(fit["centers"], sizes),
        "centroid tree": centroid_tree(fit["centers"], sizes),
        "contact tree": contact_tree(fit["centers"], sizes, fit["contact"]),
    }
    found = {"k-means, the number given": Lloyd(item.k, n_init=10, random_state=item.seed).fit_predict(fit["scores"])}
    found |= {name: component_table(tree, sizes, item.k)[0][fit["micro"]] for name, tree in trees.items()}
    found |= {
        "KMeans(linkage=centroid), cut": fit["own"],
        "KMeans(linkage=contact), cut": parts(item, "contact")["own"],
    }
    truth = item.truth.ravel()
    rare = truth == item.k - 1
    row: dict[str, Any] = {"setting": item.setting, "seed": item.seed, "iou": {}, "ari": {}}
    for name, labels in found.items():
        row["iou"][name] = max((rare & (labels == j)).sum() / (rare | (labels == j)).sum() for j in range(item.k))
        row["ari"][name] = adjusted_rand_score(truth, labels)
    log(f"{item.setting} seed {item.seed}: " + ", ".join(f"{n} {v:.2f}" for n, v in row["iou"].items()))
    return row


def scenes(seeds: range, quick: bool) -> Iterator[Scene]:
    """12 settings per seed."""
    grid = [(3, 0.0, 0.005)] if quick else [(k, a, b) for k in (3, 5, 8) for a in (0.0, 0.4) for b in (0.005, 0.03)]
    yield from (scene(*setting, seed) for setting in grid for seed in seeds)


def main() -> None:
    """Run and write benchmarks/results/granularity.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one setting, one seed; nothing is written")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    about = head()
    with threadpool_limits(1):
        rows = [one(item) for item in scenes(range(100, 100 + (1 if given.quick else given.seeds)), given.quick)]
    lines = []
    for name in rows[0]["iou"]:
        iou, ari = (np.array([row[key][name] for row in rows]) for key in ("iou", "ari"))
        lines.append([name, f"{(iou >= 0.5).mean():.0%}", f"{iou.mean():.2f}", f"{ari.mean():.3f}", f"{ari.min():.3f}"])
    text = table(("way", "rare one survives (IoU of 0.5)", "its mean IoU", "mean ARI", "worst ARI"), lines)
    log(text)
    if not given.quick:
        write_json("granularity", about, rows=rows)
        write_page(
            "granularity",
            "A rare distinct component at the true number",
            about,
            [f"{len(rows)} scenes. {__doc__}", text],
        )


if __name__ == "__main__":
    main()
