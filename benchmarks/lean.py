"""What somebody would write in ten minutes: 20,000 spectra, principal components, k-means, one pass over the cube.

    python benchmarks/lean.py read CUBE             every chunk once, nothing done with it
    python benchmarks/lean.py segment CUBE OUT K    labels (OUT/labels.npy) and mean spectra (OUT/means.npy)

CUBE is a Zarr of spaxel. Prints the CPU seconds after the imports.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import zarr

SIDE = 64  # of a chunk
SAMPLE = 20_000


def read(spectra: zarr.Array) -> None:
    """Every chunk once."""
    for y in range(0, spectra.shape[0], SIDE):
        for x in range(0, spectra.shape[1], SIDE):
            spectra[y : y + SIDE, x : x + SIDE]


def segment(spectra: zarr.Array, out: Path, k: int) -> None:
    """Labels and mean spectra, by shares of each channel under a square root."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    height, width, channels = spectra.shape
    rng = np.random.default_rng(0)
    corners = [(y, x) for y in range(0, height, SIDE) for x in range(0, width, SIDE)]
    chosen = rng.permutation(len(corners))[:20]
    some = [spectra[y : y + SIDE, x : x + SIDE].reshape(-1, channels) for y, x in (corners[i] for i in chosen)]
    each = -(-SAMPLE // len(some))
    sample = np.concatenate([part[rng.permutation(len(part))[:each]] for part in some])
    pca = PCA(10, random_state=0).fit(_shares(sample))
    kmeans = KMeans(k, n_init=10, random_state=0).fit(pca.transform(_shares(sample)))
    labels, sums = np.empty((height, width), np.int32), np.zeros((k, channels))
    for y, x in corners:
        part = spectra[y : y + SIDE, x : x + SIDE]
        flat = part.reshape(-1, channels)
        found = kmeans.predict(pca.transform(_shares(flat)))
        labels[y : y + SIDE, x : x + SIDE] = found.reshape(part.shape[:2])
        for c in range(k):
            sums[c] += flat[found == c].sum(0)
    out.mkdir(exist_ok=True)
    np.save(out / "labels.npy", labels)
    np.save(out / "means.npy", sums / np.maximum(np.bincount(labels.ravel(), minlength=k), 1)[:, None])


def _shares(spectra: np.ndarray) -> np.ndarray:
    return np.sqrt(spectra / np.maximum(spectra.sum(1, keepdims=True), 1)).astype(np.float32)


if __name__ == "__main__":
    begin = time.process_time()
    cube = zarr.open_group(sys.argv[2], mode="r")["spectra"]
    read(cube) if sys.argv[1] == "read" else segment(cube, Path(sys.argv[3]), int(sys.argv[4]))
    print(time.process_time() - begin)
