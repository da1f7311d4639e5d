"""Small targets: how many `find_rare` finds and at how many false ones, beside plain RX, local RX and the map `unlike`.

Targets of 1 to 9 pixels, of four foreign spectra, are mixed into worlds and shared scenes at shares of 0.3, 0.5 and 1; HYDICE
has its own. The same scenes without targets show how many candidates background alone makes, beside what is stated.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import label
from sklearn.metrics import roc_auc_score

import spaxel
from common import DATA, log, run_cases, table, write_json, write_page
from spaxel.synth import simulate

SEEDS = (70, 71, 72, 73, 74)
SHARES = (0.3, 0.5, 1.0)
SIDE, TARGETS = 64, 6
LEVELS = (0.1, 1.0, 10.0)  # stated numbers of false candidates


class World(NamedTuple):
    """A cube, and which target each pixel belongs to (0: none)."""

    cube: xr.Dataset
    truth: np.ndarray


def noise(kind: str, seed: int) -> xr.Dataset:
    """One material and noise: white, or of counts."""
    rng = np.random.default_rng([seed, 60])
    mean = 4 + 3 * np.sin(np.linspace(0, 6, 80))
    shape = (SIDE, SIDE, 80)
    return spaxel.make_cube(rng.poisson(mean, shape) if kind == "counts" else rng.normal(mean, 0.3, shape))


def scene(path: str, seed: int) -> xr.Dataset:
    """A window of a shared scene, another one for each seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cube = spaxel.open_cube(DATA / path)
    rng, size = np.random.default_rng([seed, 61]), (cube.sizes["y"], cube.sizes["x"])
    y, x = (int(rng.integers(max(n - SIDE, 0) + 1)) for n in size)
    part = cube.isel(y=slice(y, y + SIDE), x=slice(x, x + SIDE)).load()
    return part.drop_vars([name for name in part.data_vars if name not in ("spectra", "valid")])


def world(name: str, seed: int) -> xr.Dataset:
    """A simulated world without its truth."""
    size = {"height": SIDE, "width": SIDE} | ({"channels": 256} if name != "leaf" else {})
    cube = simulate(name, seed=seed, **size).load()
    return cube.drop_vars([one for one in cube.data_vars if str(one).startswith("truth_")])


def planted(cube: xr.Dataset, share: float, seed: int) -> World:
    """The cube with targets of four spectra that it does not hold: its mean bent by smooth bumps; counts stay counts."""
    rng, spectra = np.random.default_rng([seed, 62]), np.array(cube["spectra"].values)
    height, width, channels = spectra.shape
    usable = np.isfinite(spectra).all(2) & (spectra != 0).any(2)
    mean, place = spectra[usable].mean(0, dtype=np.float64), np.linspace(0, 1, channels)
    truth = np.zeros((height, width), int)
    kinds = []
    for _ in range(4):
        bumps = [
            rng.normal() * np.exp(-0.5 * ((place - rng.random()) / rng.uniform(0.03, 0.15)) ** 2) for _ in range(6)
        ]
        kinds.append(mean * np.exp(0.5 * np.sum(bumps, 0)) * rng.uniform(0.7, 1.3))
    number = 0
    for _ in range(5000):
        rows, columns = rng.integers(1, 4, 2)
        y, x = int(rng.integers(2, height - 5)), int(rng.integers(2, width - 5))
        around = slice(max(y - 4, 0), y + 7), slice(max(x - 4, 0), x + 7)
        if number == TARGETS or truth[around].any() or not usable[y : y + rows, x : x + columns].all():
            continue
        number += 1
        own, pure = spectra[y : y + rows, x : x + columns], share * kinds[number % 4]
        if spectra.dtype.kind in "iu":
            mixed = rng.binomial(np.maximum(own, 0), 1 - share) + rng.poisson(np.maximum(pure, 0), own.shape)
        else:
            mixed = (1 - share) * own + pure
        spectra[y : y + rows, x : x + columns] = mixed.astype(spectra.dtype)
        truth[y : y + rows, x : x + columns] = number
    return World(cube.assign(spectra=(cube["spectra"].dims, spectra, cube["spectra"].attrs)), truth)


def hydice(_: int) -> World:
    """HYDICE: 19 pixels in 9 targets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cube = spaxel.open_cube(f"{DATA}/hydice/HYDICE_data.mat", dataset="data", truth="map").load()
    bare = cube.drop_vars([name for name in cube.data_vars if str(name).startswith("truth_")])
    return World(bare, label(cube["truth_labels"].values > 0, np.ones((3, 3)))[0])


def plain_rx(spectra: np.ndarray) -> np.ndarray:
    """Mahalanobis distance² of all pixels to their mean, all channels, nothing trimmed."""
    flat = spectra.reshape(-1, spectra.shape[2]).astype(np.float64)
    apart = flat - flat.mean(0)
    inverse = np.linalg.pinv(apart.T @ apart / len(apart), hermitian=True)
    return np.einsum("ij,ij->i", apart @ inverse, apart).reshape(spectra.shape[:2])


def local_rx(spectra: np.ndarray, outer: int = 15, guard: int = 5, d: int = 10) -> np.ndarray:
    """RX against the mean and covariance of the window around each pixel, on 10 principal components."""
    height, width, channels = spectra.shape
    flat = spectra.reshape(-1, channels).astype(np.float64)
    flat = flat - flat.mean(0)
    scores = flat @ np.linalg.eigh(flat.T @ flat)[1][:, -d:]
    half, inside = outer // 2, (outer - guard) // 2
    padded = np.pad(scores.reshape(height, width, d), ((half, half), (half, half), (0, 0)), mode="reflect")
    ring = np.ones((outer, outer), bool)
    ring[inside:-inside, inside:-inside] = False
    found = np.empty((height, width))
    for y in range(height):
        around = sliding_window_view(padded[y : y + outer], (outer, outer), axis=(0, 1))[0][..., ring]
        mean = around.mean(-1)
        centred = around - mean[..., None]
        cov = centred @ np.swapaxes(centred, 1, 2) / (ring.sum() - 1)
        cov += 1e-6 * np.trace(cov, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
        apart = scores.reshape(height, width, d)[y] - mean
        found[y] = np.einsum("ij,ij->i", apart, np.linalg.solve(cov, apart[..., None])[..., 0])
    return found


def judged(score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """AUC of pixels; share of targets with a pixel above 1 and 10 false pixels in 10^4; the same at ten times the median."""
    score = np.nan_to_num(score.astype(np.float64))
    hit = np.array([score[truth == i].max() for i in range(1, truth.max() + 1)])
    rest = np.sort(score[truth == 0])[::-1]
    ten = 10 * np.median(rest)
    found = {f"at {n}": float((hit > rest[int(n * len(rest) / 1e4)]).mean()) for n in (1, 10)}
    far = {"recall x10": float((hit > ten).mean()), "false x10": float((rest > ten).mean() * 1e4)}
    return {"auc": float(roc_auc_score(truth.ravel() > 0, score.ravel()))} | found | far


def listed(result: xr.Dataset, truth: np.ndarray) -> dict[str, float]:
    """Of the candidates up to each stated number of false ones: share of targets that they meet, and how many meet none."""
    place, found = result["rare_labels"].values, {}
    for level in LEVELS:
        numbers = 1 + np.flatnonzero(result["rare_expected"].values <= level)
        met = np.unique(truth[np.isin(place, numbers) & (truth > 0)])
        wrong = sum(not (truth[place == i] > 0).any() for i in numbers)
        found |= {f"found {level:g}": len(met) / max(int(truth.max()), 1), f"false {level:g}": float(wrong)}
    return found


def rows_of(case: str, made: tuple[int, Any]) -> Iterator[dict[str, Any]]:
    """A row for each detector and share of the target; of an empty scene, for its candidates alone."""
    seed, cube = made
    worlds = {1.0: cube} if isinstance(cube, World) else {share: planted(cube, share, seed) for share in SHARES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not isinstance(cube, World):
            none = np.zeros((cube.sizes["y"], cube.sizes["x"]), int)
            about = {"case": case, "seed": seed, "what": "empty", "share": 0.0} | _searched(World(cube, none))
            if not case.startswith("noise"):
                about |= _added(spaxel.MCR(kind="scene", random_state=seed, add_rare=True).fit(cube), none)
            yield about
        if case.startswith("noise"):
            return
        for share, one in worlds.items():
            spectra = np.nan_to_num(one.cube["spectra"].values)
            unlike = spaxel.KMeans(n_clusters=6, n_init=1, random_state=seed).fit_predict(one.cube)["unlike"].values
            mcr = spaxel.MCR(kind="scene", random_state=seed, add_rare=True).fit(one.cube)
            plain = spaxel.MCR(kind="scene", random_state=seed).fit(one.cube).transform(one.cube)["residual"].values
            scores = {
                "RX": plain_rx(spectra),
                "local RX": local_rx(spectra),
                "unlike": unlike,
                "residual of MCR": plain,
            }
            about = {"case": case, "seed": seed, "share": share}
            for name, score in scores.items():
                yield about | {"what": name} | judged(score, one.truth)
            yield about | {"what": "find_rare"} | _searched(one) | _added(mcr, one.truth)
            log(f"{case} {seed} {share}")


def _added(model: spaxel.MCR, truth: np.ndarray) -> dict[str, float]:
    """Targets that became components of MCR, and what became one that is no target."""
    met = [int(truth[one["y"], one["x"]]) for one in model.info_["targets"]]
    return {"added": float(len({i for i in met if i})), "wrong": float(sum(not i for i in met))}


def _searched(one: World) -> dict[str, float]:
    blank = xr.Dataset({"labels": (("y", "x"), np.zeros(one.truth.shape, np.int32))})
    found = spaxel.find_rare(one.cube, blank)
    if not one.truth.any():
        return listed(found, one.truth)
    return judged(10.0 ** np.nan_to_num(found["rarity"].values.astype(np.float64)), one.truth) | listed(
        found, one.truth
    )


SCENES = {
    "samson": "samson/Samson.mat", "salinas_a": "salinas_a/SalinasA_corrected.mat", "moffett": "moffett/moffett.mat",
    "gatorsense": "gatorsense/a_hsi_img_for_VI_demo.mat", "raman": "raman_renishaw/renishaw_test_streamline.wdf",
}  # fmt: skip
CASES: dict[str, Callable[[int], Any]] = {
    "hydice": lambda seed: (seed, hydice(seed)),
    **{
        f"noise, {kind}": partial(lambda seed, kind: (seed, noise(kind, seed)), kind=kind)
        for kind in ("white", "counts")
    },
    **{name: partial(lambda seed, name: (seed, world(name, seed)), name=name) for name in ("maxrf", "leaf", "ifu")},
    **{name: partial(lambda seed, path: (seed, scene(path, seed)), path=path) for name, path in SCENES.items()},
}


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write benchmarks/results/rare.{json,md}."""
    full = [row for row in rows if row["what"] != "empty"]
    measures = ("auc", "at 1", "at 10", "recall x10", "false x10")
    lines, lists = [], []
    for case in dict.fromkeys(row["case"] for row in full):
        for share in dict.fromkeys(row["share"] for row in full if row["case"] == case):
            for what in dict.fromkeys(row["what"] for row in full):
                some = [r for r in full if (r["case"], r["share"], r["what"]) == (case, share, what)]
                if some:
                    lines.append([case, share, what, *(_mean(some, name) for name in measures)])
            some = [r for r in full if (r["case"], r["share"], r["what"]) == (case, share, "find_rare")]
            lists.append(
                [
                    case,
                    share,
                    *(_mean(some, f"{n} {level:g}") for level in LEVELS for n in ("found", "false")),
                    _mean(some, "added"),
                    _mean(some, "wrong"),
                ]
            )
    for what in dict.fromkeys(row["what"] for row in full):
        some = [r for r in full if r["what"] == what]
        lines.append(["all", "", what, *(_mean(some, name) for name in measures)])
    empty = [r for r in rows if r["what"] == "empty"]
    none = [
        [
            case,
            len(some),
            *(_mean(some, f"false {level:g}") for level in LEVELS),
            _mean(some, "wrong") if "wrong" in some[0] else "",
        ]
        for case in dict.fromkeys(r["case"] for r in empty)
        if (some := [r for r in empty if r["case"] == case])
    ]
    parts = [
        f"Scores of pixels, means over {len({row['seed'] for row in rows})} seeds (HYDICE has its own targets). At 1, at 10: "
        "share of the targets with a pixel above the score that 1 (10) of 10^4 pixels without target exceed. x10: the same at "
        "ten times the median "
        "score of such pixels (of `find_rare`: chance a tenth), and how many of 10^4 of them lie above it.",
        table(("case", "share", "detector", "AUC", "at 1", "at 10", "recall x10", "false x10"), lines),
        "Candidates that `find_rare` lists, up to 0.1, 1 and 10 stated false ones: targets met, and candidates that meet "
        f"none. Added: targets (of {TARGETS}, several of one spectrum; HYDICE 9) that became components of "
        "`MCR(add_rare=True)`, and components that it added and that are no target.",
        table(
            ("case", "share", *(f"{n} {level:g}" for level in LEVELS for n in ("found", "false")), "added", "wrong"),
            lists,
        ),
        "Scenes without planted targets: candidates per image up to 0.1, 1 and 10 stated false ones. The rate holds where the "
        "number is at most the stated one; real scenes have rare things of their own.",
        table(("scene", "images", *(f"{level:g}" for level in LEVELS), "added, wrong"), none),
    ]
    write_json("rare", about, rows=rows)
    write_page("rare", "Small targets", about, parts)


def _mean(rows: list[dict[str, Any]], name: str) -> str:
    return f"{np.mean([row[name] for row in rows]):.3g}"


if __name__ == "__main__":
    run_cases("rare", __doc__, CASES, SEEDS, rows_of, report)
