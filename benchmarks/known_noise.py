"""What a known variance gives: the same worlds with and without it, at known and at found numbers of components.

Noise differs by channel, as it does under sky lines or at the ends of a detector, and the variance is the true one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

import spaxel
from common import as_scene, log, run_cases, table, write_json, write_page
from spaxel.metrics import matched_spectra, score
from spaxel.synth import simulate

SEEDS = (40, 41, 42, 43, 44)
SCALINGS = ("unit", "snv", "mnf")
EVEN = np.full(120, 0.03)
NOISY = np.full(120, 0.005)
NOISY[:12], NOISY[60:68], NOISY[-14:] = 0.15, 0.25, 0.12


def galaxy(seed: int, sky: float) -> xr.Dataset:
    """A galaxy under a night sky: 10 times as bright as a dark one drowns what lies under its lines."""
    size = {"height": 48, "width": 48, "channels": 320, "wavelengths": (4750.0, 9300.0)}
    return simulate("ifu", **size, seed=seed, sky=sky).load().drop_vars("truth_spectra")


def bands(seed: int, light: float, sigma: np.ndarray) -> xr.Dataset:
    """Five smooth materials with soft borders, as `common.reflectance`; noise of standard deviation sigma (120,)."""
    rng, shape, k = np.random.default_rng([seed, 6]), (56, 60), 5
    field = np.stack([gaussian_filter(rng.normal(size=shape), 8, mode="wrap") for _ in range(k)], -1)
    share = np.exp(6 * (field / field.std() + rng.normal(size=k) * 0.3))
    share /= share.sum(-1, keepdims=True)
    smooth = [gaussian_filter(rng.normal(size=120), 12, mode="nearest") for _ in range(k)]
    pure = np.stack([0.2 + 0.4 * rng.random() + 1.2 * bend for bend in smooth]).clip(0.02)
    clean = (share @ pure) * np.exp(light * 24 * gaussian_filter(rng.normal(size=shape), 15, mode="wrap"))[..., None]
    spectra = (clean + rng.normal(size=clean.shape) * sigma).astype(np.float32)
    truth = {"truth_labels": share.argmax(-1).astype(np.int32), "truth_spectra": pure}
    return spaxel.make_cube(spectra, 400 + 5 * np.arange(120), "nm", variance=sigma**2, **truth)


def mixtures(seed: int, spectra: str, *, even: bool) -> xr.Dataset:
    """64 mixtures of 8 components; noise that differs by channel (thirtyfold) and by spectrum (threefold), or by neither."""
    made = simulate(
        "mixture", seed=seed, n_components=8, per_component=8, n_channels=256, spectra=spectra, noise="none"
    )
    clean, rng = made["spectra"].values.astype(np.float64), np.random.default_rng([seed, 8])
    channel = np.exp(gaussian_filter(rng.normal(size=clean.shape[2]), 6) * 12).clip(0.3, 30)
    row = rng.uniform(0.5, 1.5, clean.shape[:2])[..., None]
    sigma = 0.03 * np.sqrt((clean**2).mean()) * (np.ones(clean.shape) if even else row * channel)
    dims = made["spectra"].dims
    return made.assign(spectra=(dims, clean + rng.normal(size=clean.shape) * sigma), variance=(dims, sigma**2))


CASES: dict[str, Callable[[int], Any]] = {
    "galaxy": lambda seed: (seed, galaxy(seed, 1.0)),
    "galaxy, bright sky": lambda seed: (seed, galaxy(seed, 10.0)),
    "noisy bands": lambda seed: (seed, bands(seed, 0.0, NOISY)),
    "very noisy bands": lambda seed: (seed, bands(seed, 0.4, 3 * NOISY)),
    "even noise": lambda seed: (seed, bands(seed, 0.4, EVEN)),
    "mixtures, peaks": lambda seed: (seed, mixtures(seed, "peaks", even=False)),
    "mixtures, absorption": lambda seed: (seed, mixtures(seed, "absorption", even=False)),
    "mixtures, even noise": lambda seed: (seed, mixtures(seed, "peaks", even=True)),
}


def rows_of(case: str, made: tuple[int, xr.Dataset]) -> Iterator[dict[str, Any]]:
    """A row for each method, with the variance and without it."""
    seed, cube = made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for what, fit in (_segmented if "mixtures" not in case else _unmixed)(cube, seed):
            both = {name: fit(one) for name, one in (("known", cube), ("plain", cube.drop_vars("variance")))}
            log(f"{case} seed {seed} {what}: {both}")
            yield {"case": case, "seed": seed, "what": what} | both


def _segmented(cube: xr.Dataset, seed: int) -> Iterator[tuple[str, Callable[[xr.Dataset], dict[str, float]]]]:
    scene = as_scene("", "", seed, cube)

    def of(model: Any) -> Callable[[xr.Dataset], dict[str, float]]:
        def ari(one: xr.Dataset) -> dict[str, float]:
            bare = one.drop_vars([n for n in one.data_vars if str(n).startswith("truth_")])
            result = model().fit_predict(bare)
            k, truth = int(result.attrs["n_components"]), xr.Dataset({"truth_labels": (("y", "x"), scene.truth)})
            return {"ari": score(result, truth)["ari"], "n": k, "off": abs(k - scene.k)}

        return ari

    yield "k-means, auto scaling", of(lambda: spaxel.KMeans(n_clusters=scene.k, random_state=seed))
    for name in SCALINGS:
        yield (
            f"k-means, {name}",
            of(lambda name=name: spaxel.KMeans(n_clusters=scene.k, scaling=name, random_state=seed)),
        )
    yield "k-means, number found", of(lambda: spaxel.KMeans(random_state=seed))
    if seed in SEEDS[:2]:  # it takes minutes
        deep = {"n_clusters": scene.k, "context": 3, "epochs": 2, "n_sample": 2500, "random_state": seed}
        yield "dsc, context 3", of(lambda: spaxel.DeepSpectralClustering(**deep))
    if "truth_spectra" in cube:
        yield from _unmixed(cube, seed)


def _unmixed(cube: xr.Dataset, seed: int) -> Iterator[tuple[str, Callable[[xr.Dataset], dict[str, float]]]]:
    pure = cube["truth_spectra"].values

    def of(number: Any) -> Callable[[xr.Dataset], dict[str, float]]:
        def angle(one: xr.Dataset) -> dict[str, float]:
            bare = one.drop_vars([n for n in one.data_vars if str(n).startswith("truth_")])
            model = spaxel.MCR(n_components=number, random_state=seed).fit(bare)
            found = matched_spectra(model.components_, pure)["mean_angle"]
            return {"angle": float(found), "n": model.n_components_, "off": abs(model.n_components_ - len(pure))}

        return angle

    yield "MCR, number found", of("auto")
    yield "MCR, number known", of(len(pure))


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write benchmarks/results/known_noise.{json,md}."""
    parts = [
        "Each world with its true variance and without, five seeds (dsc: two). ARI: the higher, the better. "
        "Angle (radians, mean over components after matching): lower is better. Off: how far the number found is from the true "
        "one. Worst: the worst seed. Gain: of the mean."
    ]
    for case in dict.fromkeys(row["case"] for row in rows):
        lines = []
        for what in dict.fromkeys(row["what"] for row in rows if row["case"] == case):
            some = [row for row in rows if row["case"] == case and row["what"] == what]
            for measure in ("ari", "angle", "off"):
                if measure in some[0]["known"] and (measure != "off" or "found" in what):
                    lines.append(_line(what, measure, some))
        header = ("method", "measure", "without", "worst", "with variance", "worst", "gain")
        parts += [f"## {case}", table(header, lines)]
    write_json("known_noise", about, rows=rows)
    write_page("known_noise", "What a known variance gives", about, parts)


def _line(what: str, measure: str, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    better = max if measure != "ari" else min  # the worst
    plain, known = ([row[name][measure] for row in rows] for name in ("plain", "known"))
    gain = (np.mean(known) - np.mean(plain)) * (1 if measure == "ari" else -1)
    numbers = np.mean(plain), better(plain), np.mean(known), better(known)
    return what, measure, *(f"{value:.3f}" for value in numbers), f"{gain:+.3f}"


if __name__ == "__main__":
    run_cases("known_noise", __doc__, CASES, SEEDS, rows_of, report)
