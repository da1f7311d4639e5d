"""What each part of deep global clustering gives, on series of leaves: views, net and tree, beside plain methods.

A series has 6 images to learn from and 6 others to test on (192 x 192 x 120, signal to noise 10, strong shadows, every fourth
healthy). IoU of the lesion and mean of three classes; the number (3) is given, components are matched one to one. "Best merge"
gives each micro-cluster the class that most of its test pixels have: an oracle. In `days` the images are two plants on
other days, turned, under lamps of other colour and strength. In `cameras` every second image is seen by another camera:
shifted by 0.7 channels, another response, less sharp, twice the noise. Nothing was chosen on these seeds.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter, gaussian_filter1d, shift, uniform_filter

import spaxel
from common import log, run_cases, table, write_json, write_page
from leaf import CUT, MERGE, Train, confusion, overlaps, scenes, whitened
from noise import neighbour_noise
from spaxel.methods.dgc import training
from spaxel.synth.leaf.world import leaf

SEEDS = tuple(range(150, 155))
N, SIDE = 6, 192
NAME = "dgc_parts"
KEEP = os.environ.get("SPAXEL_KEEP_MODELS")  # a folder for the fitted models, to look at them
WHOLE, VIEWLESS = "DGC with both phases", "DGC without the views phase"
BARE, MEANS = "no net: scores and the border tree", "no net: scores of 3 x 3 means and the border tree"
CONSENSUS, ORACLE = "consensus (the default)", "whitened 3 x 3 means, 40 clusters, best merge"
EARLIER = (
    "Hard 151, days 150 and cameras 150 were measured at commit 5b0931c, before the transport was made faster, and have no "
    "seconds here; hard 150, measured at both, is the same to four digits. The default was measured "
    "again when it had learned to look for small spots."
)
METHODS = (WHOLE, VIEWLESS, BARE, MEANS, CONSENSUS, ORACLE)
UNTRAINED = {"epochs": 1, "epochs_views": 0, "tiles": 1, "reuse": 1, "rate": 1e-12}  # z is the direction of the scores
Row = dict[str, Any]
Cubes = list[xr.Dataset]


class Series(NamedTuple):
    """Cubes to learn from and to test on, with truth_labels 0, 1, 2."""

    train: Cubes
    test: Cubes
    seed: int


def changed(cube: xr.Dataset, spectra: np.ndarray) -> xr.Dataset:
    """The same cube with other spectra."""
    return cube.assign(spectra=(cube["spectra"].dims, spectra.astype(np.float32), cube["spectra"].attrs))


def lamp(cube: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """Under a lamp of another colour (up to about a third from end to end) and strength."""
    t = np.linspace(-1, 1, cube.sizes["channel"])
    a, b, c = rng.normal(size=3)
    return changed(cube, cube["spectra"].values * np.exp(0.15 * a * t + 0.15 * b * (1.5 * t**2 - 0.5) + 0.4 * c))


def camera(cube: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """As another camera sees it."""
    image = cube["spectra"].values.astype(np.float64)
    deviation = np.sqrt(np.diagonal(neighbour_noise(image)))
    ripple = 0.06 * gaussian_filter1d(np.random.default_rng(7).normal(size=image.shape[2]), 4)
    image = shift(image, (0, 0, 0.7), order=1, mode="nearest") * np.exp(ripple / ripple.std() * 0.06)
    image = gaussian_filter(image, (0.7, 0.7, 0))
    return changed(cube, image + 2 * deviation * rng.normal(size=image.shape))


def turned(cube: xr.Dataset, times: int) -> xr.Dataset:
    """Turned by so many right angles; its sides are equal."""
    new = changed(cube, np.rot90(cube["spectra"].values, times))
    return new.assign(truth_labels=(("y", "x"), np.rot90(cube["truth_labels"].values, times).copy()))


def leaves(seed: int) -> Series:
    """As in leaf.py."""
    train, test = (scenes("hard", range(100 * seed + at, 100 * seed + at + N), SIDE) for at in (0, 50))
    return Series(train, test, seed)


def days(seed: int) -> Series:
    """Two plants on several days, turned, under other lamps."""
    rng = np.random.default_rng([seed, 31])

    def image(plant: int, day: float) -> xr.Dataset:
        cube = leaf(SIDE, SIDE, seed=100 * seed + plant, day=day, version="hard")[["spectra", "truth_labels"]].load()
        cube = cube.assign(truth_labels=cube["truth_labels"].clip(max=2))
        return lamp(turned(cube, int(rng.integers(4))), rng)

    learn, other = ([image(plant, day) for plant in (0, 1) for day in at] for at in ((0, 3, 6), (2, 5, 8)))
    return Series(learn, other, seed)


def seen(seed: int, by: Callable[[xr.Dataset, np.random.Generator], xr.Dataset], every: int) -> Series:
    """Leaves of which every so manieth image is changed."""
    rng, plain = np.random.default_rng([seed, 32]), leaves(seed)
    train, test = (
        [by(cube, rng) if i % every == every - 1 else cube for i, cube in enumerate(cubes)]
        for cubes in (plain.train, plain.test)
    )
    return Series(train, test, seed)


CASES: dict[str, Callable[[int], Series]] = {
    "hard": leaves,
    "days": days,
    "cameras": lambda seed: seen(seed, camera, 2),
}


def means(cube: xr.Dataset) -> xr.Dataset:
    """Each spectrum the mean of 3 x 3."""
    return changed(cube, uniform_filter(cube["spectra"].values, (3, 3, 1)))


class Once:
    """The first phase, trained once for a series and copied for the second method; it costs each of them its time."""

    def __init__(self) -> None:
        self.train, self.held, self.seconds = training._denoised, None, 0.0

    def __call__(self, scene: Any) -> Any:
        """The encoder and its history."""
        if self.held is None:
            start = time.process_time()
            self.held = self.train(scene)
            self.seconds = time.process_time() - start
        return copy.deepcopy(self.held)


def deep(series: Series, how: str, once: Once) -> tuple[dict[str, np.ndarray], Row]:
    """Confusions of DeepGlobalClustering, with what was measured beside."""
    given: Row = {} if how == WHOLE else {"epochs_views": 0} if how == VIEWLESS else UNTRAINED
    given = {"epochs_views": 4} | given
    train, test = ([means(c) for c in cubes] if how == MEANS else cubes for cubes in (series.train, series.test))
    model = spaxel.DeepGlobalClustering(3, random_state=series.seed, **given)
    before = once.held is not None and how == WHOLE
    training._denoised = once if how in (WHOLE, VIEWLESS) else once.train
    start = time.process_time()
    model.fit([cube[["spectra"]] for cube in train])
    fit = time.process_time() - start + (once.seconds if before else 0)
    training._denoised = once.train
    results = [model.predict(cube[["spectra"]]) for cube in test]
    truth = [cube["truth_labels"].values for cube in series.test]
    counts = {MERGE: confusion(truth, [r["micro_labels"].values for r in results])}
    counts[CUT] = confusion(truth, [r["labels"].values for r in results])
    more: Row = {"fit_seconds": round(fit, 1), "said": float(np.mean([r["confidence"].mean() for r in results]))}
    if how == WHOLE:
        more["kept"] = model.info_["deep"]["kept"]
    if KEEP:
        keep(model, series, how)
    return counts, more


def keep(model: Any, series: Series, how: str) -> None:
    """The model in the folder that was named."""
    folder = Path(str(KEEP)) / f"{series.train[0].attrs.get('case')}_{series.seed}_{METHODS.index(how)}"
    if not folder.exists():
        model.save(folder)


def plain(series: Series, how: str) -> tuple[dict[str, np.ndarray], Row]:
    """Confusions of the other methods."""
    truth, start = [cube["truth_labels"].values for cube in series.test], time.process_time()
    if how == ORACLE:
        fitted = whitened(40, True, 3)(Train(series.train, series.seed))
        fit = time.process_time() - start
        return {MERGE: confusion(truth, [fitted.predict(c["spectra"].values) for c in series.test])}, {
            "fit_seconds": fit
        }
    model = spaxel.Segment(3, random_state=series.seed).fit([cube[["spectra"]] for cube in series.train])
    fit = time.process_time() - start
    results = [model.predict(cube[["spectra"]]) for cube in series.test]
    if KEEP:
        keep(model, series, how)
    said = float(np.mean([r["confidence"].mean() for r in results]))
    return {CUT: confusion(truth, [r["labels"].values for r in results])}, {"fit_seconds": round(fit, 1), "said": said}


def rows_of(case: str, series: Series) -> Iterator[Row]:
    """A row for each method and way of merging."""
    once = Once()
    series = series._replace(train=[cube.assign_attrs(case=case) for cube in series.train])
    for how in (VIEWLESS, WHOLE, BARE, MEANS, CONSENSUS, ORACLE):
        counts, more = plain(series, how) if how in (CONSENSUS, ORACLE) else deep(series, how, once)
        for merged, table_of in counts.items():
            found = {key: round(value, 4) for key, value in overlaps(table_of, merged).items()}
            yield {"case": case, "seed": series.seed, "method": how, "how": merged} | found | more
            log(f"{case} {series.seed} {how}{merged}: lesion {found['lesion']:.3f}, three {found['three']:.3f}, {more}")


def cell(rows: list[Row], key: str) -> str:
    """Mean (worst)."""
    values = [row[key] for row in rows]
    return f"{np.mean(values):.3f} ({min(values):.3f})" if rows else "–"


def page_table(rows: list[Row], key: str) -> str:
    """A line for each method, a column for each world."""
    cases, lines = list(dict.fromkeys(row["case"] for row in rows)), []
    for method in METHODS:
        for how in (CUT, MERGE):
            mine = [row for row in rows if (row["method"], row["how"]) == (method, how)]
            if not mine:
                continue
            name = method if method == ORACLE else method + (how if how == MERGE else "")
            cells = [cell([row for row in mine if row["case"] == case], key) for case in cases]
            timed = [row["fit_seconds"] for row in mine if "fit_seconds" in row]
            lines.append([name, *cells, f"{np.mean(timed):.1f}"])
    return table([key, *cases, "CPU s of a fit"], lines)


def report(about: dict[str, Any], rows: list[Row]) -> None:
    """benchmarks/results/dgc_parts.{json,md}."""
    seeds = sorted({row["seed"] for row in rows})
    kept = [row["kept"] for row in rows if "kept" in row and row["how"] == CUT]
    later = f"The views phase kept a later state than its start in {np.sum(np.array(kept) > 0)} of {len(kept)} fits."
    said = f"Mean (worst) of seeds {seeds[0]} to {seeds[-1]}. {later} {EARLIER}"
    parts = [str(__doc__).strip(), said, page_table(rows, "lesion"), page_table(rows, "three")]
    write_json(NAME, about, rows=rows)
    write_page(NAME, "What each part of deep global clustering gives", about, parts)


if __name__ == "__main__":
    run_cases(NAME, __doc__, CASES, SEEDS, rows_of, report)
