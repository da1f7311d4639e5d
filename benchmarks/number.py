"""How probable each number of components is: weights learned on tuning worlds, judged on fresh ones and on real scenes.

`--learn` collects what the checks and splits say of the tuning worlds and prints the weights of spaxel.methods.centers.number;
without it, spaxel.KMeans is fitted to fresh worlds and to real scenes, whole and in crops, as they stand. Real scenes are
never learned from.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from common import Scene, head, log, real, table, write_json, write_page
from number_worlds import KINDS
from spaxel import KMeans
from spaxel.methods.centers import evidence, number
from spaxel.methods.centers.splits import Splits

Row = dict[str, Any]
World = tuple[str, int, np.ndarray]  # kind, true number, features (level, feature)
TUNING, FRESH = range(101, 118), range(1000, 1006)
RIDGE = 0.08  # of the weights
ONES = 2  # so many times one material counts as much as any other kind; once in tables, which cannot show it
TEMPERATURES = np.arange(0.7, 2.6, 0.05)
REAL = {
    "SalinasA": "salinas_a/SalinasA_corrected.mat",
    "Samson": "samson/Samson.mat",
    "Moffett": "moffett/moffett.mat",
}
CROP = 48  # pixels a side


def worlds(seeds: range) -> Iterator[Scene]:
    """One of each kind per seed; galaxies and leaves every second seed."""
    for seed in seeds:
        for kind, make in KINDS.items():
            if kind not in ("galaxy", "leaf") or seed % 2 == 0:
                item = make(seed)
                item.family = kind
                yield item


def seen(scene: Scene) -> Row:
    """What the checks and the splits say, as a fit sees it."""
    caught: Row = {}

    def spy(votes: dict[str, int], splits: Splits) -> number.Number:
        caught.update(votes=dict(votes), splits=splits)
        n = len(splits.left)
        return number.Number(np.full(n, 1 / n), 1, n)

    kept, evidence.number_of = evidence.number_of, spy
    try:
        KMeans(random_state=scene.seed, n_init=3).fit(scene.cube)
    finally:
        evidence.number_of = kept
    return caught | {"kind": scene.family, "k": scene.k}


def less(row: Row, kind: str) -> Row:
    """The same where less can be seen: without windows, or without neighbours."""
    splits, gone = row["splits"], np.full(len(row["splits"].excess), np.nan)
    if kind == "windows":
        return row
    if kind == "pairs":
        return row | {"splits": splits._replace(height=gone, windows=False)}
    votes = {name: vote for name, vote in row["votes"].items() if name != "contact"}
    bare = splits._replace(apart=gone, inside=gone, height=gone, alike=-1, windows=False)
    return row | {"votes": votes, "splits": bare}


def probability(x: np.ndarray, weights: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Of each number."""
    z = x @ weights / temperature
    p = np.exp(z - z.max())
    return p / p.sum()


def learned(data: list[World], ones: int) -> np.ndarray:
    """Weights of the conditional logit; every kind of world counts alike, one material `ones` times."""
    kinds = [kind for kind, _, _ in data]
    often = {kind: ones if kind == "one material" else 1 for kind in kinds}
    share = {kind: often[kind] / kinds.count(kind) / sum(often.values()) for kind in kinds}

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = RIDGE * float(w @ w) / 2, RIDGE * w
        for kind, k, x in data:
            p = probability(x, w)
            value -= share[kind] * float(np.log(p[k - 1] + 1e-300))
            slope = slope - share[kind] * (x[k - 1] - p @ x)
        return value, slope

    return minimize(loss, np.zeros(data[0][2].shape[1]), jac=True, method="L-BFGS-B").x


def left_out(data: list[World], ones: int) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """(true number, features, weights learned on other kinds of worlds); one material is only left out by halves."""
    found = []
    for kind in sorted({kind for kind, _, _ in data}):
        mine, others = [w for w in data if w[0] == kind], [w for w in data if w[0] != kind]
        for part in (0, 1) if kind == "one material" else (None,):
            beside = [] if part is None else mine[part::2]
            held = mine if part is None else mine[1 - part :: 2]
            weights = learned(others + beside, ones)
            found += [(k, x, weights) for _, k, x in held]
    return found


def learn() -> None:
    """Print the weights of every kind."""
    rows = []
    for scene in worlds(TUNING):
        rows.append(seen(scene))
        log(f"{scene.family} seed {scene.seed}: {scene.k}, {rows[-1]['votes']}")
    for kind in number.WEIGHTS:
        looked = [less(row, kind) for row in rows]
        pairs = [(row, number.features(row["votes"], row["splits"])) for row in looked]
        data = [(row["kind"], row["k"], x) for row, (_, x) in pairs if row["k"] <= len(x)]
        ones = 1 if kind == "table" else ONES
        held = left_out(data, ones)
        losses = [-np.mean([np.log(probability(x, w, t)[k - 1] + 1e-12) for k, x, w in held]) for t in TEMPERATURES]
        weights = dict(zip(pairs[0][1][0], learned(data, ones).round(3).tolist(), strict=True))
        print(kind, weights | {"temperature": round(float(TEMPERATURES[int(np.argmin(losses))]), 2)})


def one(scene: Scene) -> Row:
    """What a fit says of the number."""
    info = KMeans(random_state=scene.seed).fit(scene.cube).info_
    low, high = info.get("between", [info["n_components"]] * 2)
    shares = info.get("probability", [1.0])
    row = {"family": scene.family, "setting": scene.setting, "seed": scene.seed, "true": scene.k}
    row |= {"found": info["n_components"], "low": low, "high": high, "said": max(shares), "one": shares[0]}
    log(f"{scene.family} {scene.setting} {scene.seed}: {scene.k} -> {info['sentence'][:90]}")
    return row | {"median": int(np.median(list(info["votes"].values())) + 0.5) if info["votes"] else 1}


def real_scenes() -> Iterator[Scene]:
    """Whole scenes, three seeds of the method, and their crops; a class counts from 0.5 % of the pixels."""
    for name, path in REAL.items():
        whole = real(name, path, 0)
        yield from (Scene("real, whole", name, seed, whole.cube, whole.truth, whole.k) for seed in range(3))
        height, width = whole.truth.shape
        for y in range(0, height - CROP + 1, CROP - 12):
            for x in range(0, width - CROP + 1, CROP - 12):
                part = {"y": slice(y, y + CROP), "x": slice(x, x + CROP)}
                truth = whole.truth[part["y"], part["x"]]
                counts = np.bincount(truth[truth >= 0])
                if counts.sum() > truth.size / 2:
                    k = int((counts >= 0.005 * counts.sum()).sum())
                    yield Scene("real, crops", f"{name} {y}, {x}", 0, whole.cube.isel(part), truth, k)


def line(name: str, rows: list[Row]) -> list[str]:
    """One row of the table."""
    true, found, low, high = (np.array([row[key] for row in rows]) for key in ("true", "found", "low", "high"))
    ones = found[true == 1] == 1
    share = lambda hits: f"{np.mean(hits):.0%}" if len(hits) else "–"  # noqa: E731
    median = np.array([row["median"] for row in rows])
    return [
        name, str(len(rows)), share(found == true), share(np.abs(found - true) <= 1),
        f"{share(median == true)} / {share(np.abs(median - true) <= 1)}", share((low <= true) & (true <= high)),
        f"{np.mean(high - low + 1):.1f}", f"{int(ones.sum())} of {len(ones)}",
        f"{int((found[true > 1] == 1).sum())} of {int((true > 1).sum())}",
    ]  # fmt: skip


def calibration(rows: list[Row]) -> str:
    """What a probability is worth: how often the most probable number was right."""
    lines = []
    for low, high in ((0, 0.4), (0.4, 0.6), (0.6, 0.85), (0.85, 1.01)):
        some = [row for row in rows if low <= row["said"] < high]
        if some:
            right = np.mean([row["found"] == row["true"] for row in some])
            near = np.mean([abs(row["found"] - row["true"]) <= 1 for row in some])
            said = np.mean([row["said"] for row in some])
            lines.append([f"{low:g} to {min(high, 1):g}", str(len(some)), f"{said:.2f}", f"{right:.0%}", f"{near:.0%}"])
    return table(("probability of the likeliest", "worlds", "mean said", "exact", "within one"), lines)


def main() -> None:
    """Learn, or judge and write benchmarks/results/number.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", action="store_true", help="print weights learned on the tuning worlds")
    chosen, about = parser.parse_args(), head()
    with threadpool_limits(1):
        if chosen.learn:
            return learn()
        rows = [one(scene) for scenes in (worlds(FRESH), real_scenes()) for scene in scenes]
    fresh = [row for row in rows if not row["family"].startswith("real")]
    names = [*KINDS, "real, whole", "real, crops"]
    lines = [line(name, [row for row in rows if row["family"] == name]) for name in names]
    header = (
        "worlds", "n", "exact", "within one", "median of the checks: the same", "80 % interval holds", "its width",
        "one material found", "one component where there are more",
    )  # fmt: skip
    parts = [
        f"KMeans, K = auto. Worlds with seeds {FRESH[0]} to {FRESH[-1]}; weights were learned on seeds {TUNING[0]} to "
        f"{TUNING[-1]}.",
        table(header, [*lines, line("**all worlds**", fresh)]),
        "How often the number that is said is right, on the worlds:",
        calibration(fresh),
    ]
    write_json("number", about, rows=rows)
    return write_page("number", "How many components, and how probable", about, parts)


if __name__ == "__main__":
    main()
