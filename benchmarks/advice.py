"""The line "if it looks wrong": how often each rule is raised where it would help, and how often in vain.

Fresh worlds: the kinds of `calibration.py` (middle 56 x 56 pixels), and mixtures: 3 to 6 materials of which each pixel
holds shares that vary smoothly or from pixel to pixel. The number of components is found, as a user has it. A rule is
judged by itself, also where another one is said first. It would help where: brightness, shapes: the consensus
with --scaling unit_bright agrees with the truth by 0.05 (ARI) more; mixtures, splits: fewer than half of the pixels hold
four fifths of one material; doubt: fewer than three in four pixels are right, and it is no
mixture, of which no map is right; gradual: fewer components than were
found are right; number, photons: another number is right; X-rays: --method learned agrees by 0.05 more; speckles:
dsc with context 3 does; scalings: the one that is named does.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score

import spaxel
from advice_between import between
from advice_tried import TRIED, scaling_of, sign
from calibration import CASES as WORLDS
from calibration import SIDE, right
from common import Scene, as_scene, log, run_cases, table, write_json, write_page
from number_worlds import CHANNELS, materials, smooth
from spaxel.cube.sampling import Sample
from spaxel.preprocess.scaling import fit_scaling
from spaxel.results import advice

SEEDS = range(610, 615)
GAIN = 0.05  # of the ARI, from which another way is better
PURE, MOST = 0.8, 0.5  # share of a pixel that makes it pure, and of the pixels that are at most so, for mixtures
WRONG = 0.75  # of the pixels right, below which a map is wrong
HITS, ALARMS = 0.8, 0.1
METHODS: dict[str, Callable[..., Any]] = {"consensus": spaxel.Segment}
Row = dict[str, Any]


def mixtures(seed: int) -> Scene:
    """Materials of which every pixel holds some of each; noise, even and uneven light."""
    rng = np.random.default_rng([seed, 908])
    k, shape = int(rng.choice([3, 4, 5, 6])), (SIDE, SIDE)
    pure, length = materials(rng, k, rng.uniform(0.5, 1.2)), rng.choice([0, 2, 6, 12])
    fields = [rng.normal(size=shape) for _ in range(k)]
    fields = [gaussian_filter(field, length, mode="wrap") if length else field for field in fields]
    share = np.exp(rng.uniform(0.6, 1.6) * np.stack([field / field.std() for field in fields], -1))
    share /= share.sum(-1, keepdims=True)
    cube, apart = share @ pure, np.sqrt(((pure - pure.mean(0)) ** 2).sum(1)).mean()
    cube = cube * np.exp(rng.choice([0, 0.1, 0.25]) * smooth(rng, shape, SIDE / 5))[..., None]
    noise = apart / np.sqrt(CHANNELS) * rng.choice([0.05, 0.2, 0.6])
    spectra = (cube + rng.normal(size=cube.shape) * noise).astype(np.float32)
    made = as_scene("mixtures", "", seed, spaxel.make_cube(spectra, truth_labels=share.argmax(-1).astype(np.int32)))
    made.seed = seed % 30_000
    made.setting = "mixed" if (share.max(-1) > PURE).mean() < MOST else ""
    return made


CASES: dict[str, Callable[[int], Scene]] = dict(WORLDS) | {
    "mixtures": mixtures,
    "more mixtures": lambda seed: mixtures(seed + 30_000),
}


def agreed(model: Any, scene: Scene, known: np.ndarray) -> float:
    """ARI of a model with the truth, of the pixels that have one."""
    labels = model.fit(scene.cube).predict(scene.cube)["labels"].values
    return float(adjusted_rand_score(scene.truth[known], labels[known]))


def rows_of(case: str, scene: Scene) -> Iterator[Row]:
    """A row for each method."""
    for method, make in METHODS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield row_of(case, scene, method, make)


def with_more_signs(result: xr.Dataset, scene: Scene) -> xr.Dataset:
    """The result with the signs of rules that were tried: photon counts, and spectra that lie between components."""
    cube, labels = scene.cube["spectra"].values, result["labels"].values
    spectra, scaling = cube.reshape(-1, cube.shape[-1]), scaling_of(result)
    pairs = np.stack([cube[:, :-1].reshape(-1, cube.shape[-1]), cube[:, 1:].reshape(-1, cube.shape[-1])], axis=1)
    fitted = fit_scaling(scaling or "none", Sample(spectra, pairs, 1.0))
    share = between(spectra, labels.ravel(), pairs, fitted, scene.seed)
    return result.assign_attrs(counts=float(cube.dtype.kind == "u"), between=share)


def row_of(case: str, scene: Scene, method: str, make: Callable[..., Any]) -> Row:
    """What each rule says, and what would be better."""
    seed = scene.seed
    model = make(random_state=seed).fit(scene.cube)
    result = model.predict(scene.cube).assign_attrs(dullness=float(model.state_["sure_dull"][0]))
    labels = result["labels"].values
    known = (scene.truth >= 0) & (labels >= 0)
    result = with_more_signs(result, scene)
    raised = {name: said for name, look in (advice.RULES | TRIED).items() if (said := look(result))}
    ari = float(adjusted_rand_score(scene.truth[known], labels[known]))
    row: Row = {"case": case, "seed": seed, "method": method, "ari": round(ari, 4), "raised": raised, "k": scene.k}
    row |= {"found": result.sizes["component"], "mixed": scene.setting == "mixed", "said": advice.try_next(result)}
    row["right"] = float(right(labels[known], scene.truth[known]).mean())
    row["signs"] = {name: sign(result, name) for name in ("dullness", "between", "counts")}
    row["signs"]["confidence"] = float(result["confidence"].mean())
    better = {"unit_bright": agreed(make(scaling="unit_bright", random_state=seed), scene, known) - ari}
    if case in ("painting", "layered"):
        better["learned"] = agreed(spaxel.LearnedMetric(random_state=seed), scene, known) - ari
    if "speckles" in raised:
        better["dsc"] = agreed(spaxel.DeepSpectralClustering(context=3, random_state=seed), scene, known) - ari
    if "scalings" in raised:
        other = re.findall(r"--scaling (\w+)", raised["scalings"])[0]
        better["scaling"] = agreed(make(scaling=other, random_state=seed), scene, known) - ari
    log(f"{case} {seed} {method}: {ari:.2f}, right {row['right']:.2f}, {[*raised]}, {better}, {row['signs']}")
    return row | {"better": {name: round(value, 4) for name, value in better.items()}}


def gains(name: str) -> Callable[[Row], bool]:
    """Whether this other way agrees more with the truth."""
    return lambda row: row["better"].get(name, 0.0) >= GAIN


HELPS: dict[str, Callable[[Row], bool]] = {
    "brightness": gains("unit_bright"),
    "shapes": gains("unit_bright"),
    "mixtures": lambda row: row["mixed"],
    "splits": lambda row: row["mixed"],
    "photons": lambda row: row["k"] != row["found"],
    "speckles": gains("dsc"),
    "scalings": gains("scaling"),
    "doubt": lambda row: row["right"] < WRONG and not row["mixed"],
    "gradual": lambda row: row["k"] < row["found"],
    "number": lambda row: row["k"] != row["found"],
    "X-rays": gains("learned"),
}


def judged(name: str, rows: Sequence[Row]) -> tuple[int, int, int, int]:
    """Worlds in which a rule would help, those of them in which it is raised, the others, those of them in which it is."""
    helps, raised = (np.array([bool(f(row)) for row in rows]) for f in (HELPS[name], lambda row: name in row["raised"]))
    return int(helps.sum()), int((helps & raised).sum()), int((~helps).sum()), int((~helps & raised).sum())


def share(part: int, whole: int) -> str:
    """7 of 8 (88 %)."""
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "–"


def line(name: str, method: str, rows: Sequence[Row]) -> list[str]:
    """A line of the table."""
    n, hits, others, alarms = judged(name, [row for row in rows if row["method"] == method])
    good = n > 0 and hits >= HITS * n and alarms <= ALARMS * others
    return [name, method, share(hits, n), share(alarms, others), share(hits, hits + alarms), "yes" if good else "no"]


def report(about: dict[str, Any], rows: list[Row]) -> None:
    """Write benchmarks/results/advice.{json,md}."""
    header = (
        "rule",
        "method",
        "raised where it would help",
        "raised elsewhere",
        "of those raised: right",
        "good enough",
    )
    lines = [line(name, method, rows) for name in HELPS for method in METHODS]
    first = f"{len(rows) // len(METHODS)} worlds, seeds {min(row['seed'] for row in rows)} and on."
    write_json("advice", about, rows=rows)
    write_page("advice", "Is advice right?", about, [str(__doc__).strip(), first, table(header, lines)])


if __name__ == "__main__":
    if "--tuning" in sys.argv:
        sys.argv.remove("--tuning")
        for seed in (500, 501):
            for case, make_scene in CASES.items():
                list(rows_of(case, make_scene(seed)))
    else:
        run_cases("advice", __doc__, CASES, SEEDS, rows_of, report)
