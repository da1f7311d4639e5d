"""Where the assumptions of unmixing a table break: is the answer right, or does it carry a warning?

    python benchmarks/breaking_points.py [--seeds 120 125] [--only NAME] [--no-baselines]

writes benchmarks/results/breaking_points.{json,md}. MCR is not told the number; NMF and MCR-ALS are. "right": the number is
exact and the mean cosine of the spectra at least 0.98. "silent": wrong without a warning. Warnings were chosen on seeds below
100.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mcr_grid import als, nmf, oracle_spectra, scores
from spaxel import MCR
from spaxel.synth.mixture import mixture

RESULTS = Path(__file__).parent / "results"
RIGHT = 0.98
Table = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # spectra (n, channel), concentrations (n, k), components (k, channel)


def simulated(seed: int, **options: object) -> Table:
    """A table of spaxel.synth.mixture."""
    cube = mixture(seed=seed, **options)
    X = cube["spectra"].values[:, 0].astype(float)
    return X, cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values


def lattice(seed: int, db: float, inner: bool = False) -> Table:
    """21 samples on the simplex lattice {3, 5} of 3 smooth spectra in 1401 channels; inner: the 6 that hold all three."""
    rng = np.random.default_rng([seed, 77])
    S = simulated(seed, n_components=3, n_channels=1401, spectra="peaks", most_mixed=3)[2]
    C = np.array([(a, b, 5 - a - b) for a in range(6) for b in range(6 - a)]) / 5
    C = C[(C > 0).all(1)] if inner else C
    clean = C @ S
    return clean + 10 ** (-db / 20) * np.sqrt((clean**2).mean()) * rng.standard_normal(clean.shape), C, S


def uneven_rows(seed: int, spread: float = 0.7) -> Table:
    """The grid at 20 dB on average, with a noise of each sample that is log-normal, whatever its norm."""
    X, C, S = simulated(seed, noise="none")
    rng = np.random.default_rng([seed, 78])
    level = 0.1 * np.sqrt((X**2).mean()) * np.exp(spread * rng.standard_normal((len(X), 1)))
    return X + level * rng.standard_normal(X.shape), C, S


def case(**options: object) -> Callable[[int], Table]:
    """A table by seed."""
    return lambda seed: simulated(seed, **options)


CASES: dict[str, Callable[[int], Table]] = {
    "the grid, for comparison": case(),
    **{f"narrow peaks, {db} dB": case(spectra="peaks", peak_width=0.01, snr_db=db) for db in (20, 30, 40)},
    **{f"wide peaks, {db} dB": case(spectra="peaks", peak_width=0.04, snr_db=db) for db in (20, 30, 40)},
    "32 wide peaks, 30 dB": case(spectra="peaks", peak_width=0.04, snr_db=30, n_components=32),
    **{f"21 samples, 3 in 1401 channels, {db} dB": (lambda seed, db=db: lattice(seed, db)) for db in (20, 30, 40)},
    "6 samples, none purer than 60 %, 30 dB": lambda seed: lattice(seed, 30, inner=True),
    "10 dB, 4N": case(snr_db=10),
    "10 dB, 8N": case(snr_db=10, per_component=8),
    "64 at 10 dB, 4N": case(snr_db=10, n_components=64),
    **{f"Poisson, {counts} per channel": case(noise="poisson", counts=counts) for counts in (1000, 100, 10)},
    "5 % junk samples": case(outliers=0.05, per_component=8),
    "24 samples of 32": case(n_components=32, height=24),
    "32 samples of 32": case(n_components=32, height=32),
    "dense, 12 to 16 of 16": case(fewest_mixed=12, most_mixed=16),
    "0.5 % spikes": case(spikes=0.005),
    "5 % spikes": case(spikes=0.05),
    "saturation 0.3, 30 dB, 8N": case(mixing="saturation", strength=0.3, snr_db=30, per_component=8),
    "saturation 1, 30 dB, 8N": case(mixing="saturation", strength=1.0, snr_db=30, per_component=8),
    "bilinear 0.1, 30 dB, 8N": case(mixing="bilinear", strength=0.1, snr_db=30, per_component=8),
    "bilinear 0.5, 30 dB, 8N": case(mixing="bilinear", strength=0.5, snr_db=30, per_component=8),
    "even noise": case(noise="even"),
    "log-normal noise of samples": uneven_rows,
    "512 in 512 channels, 4N": case(n_components=512),
}
SLOW = {  # seeds where a run takes long; all others have five
    "24 samples of 32": 3,
    "32 samples of 32": 3,
    "dense, 12 to 16 of 16": 2,
    "64 at 10 dB, 4N": 3,
    "log-normal noise of samples": 1,
    "32 wide peaks, 30 dB": 1,
    "512 in 512 channels, 4N": 1,
}


def one_run(name: str, seed: int, beside: bool) -> dict:
    """MCR on one table, and the baselines with the true number."""
    X, C, S = CASES[name](seed)
    present = int((C > 0).any(0).sum())
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MCR().fit(X)
    row = {"seed": seed, "k": present, "found": model.n_components_, "edge": model.info_["evidence"]["edge"]}
    row |= {"confirmed": model.info_["evidence"]["confirmed"], "seconds": time.process_time() - start}
    row["cosine"] = scores(model.components_, model.transform(X), C, S)["cosine"]
    row["oracle"] = scores(oracle_spectra(X, C), C, C, S)["cosine"]
    row |= {"sentence": model.info_["sentence"], "warnings": list(model.info_["warnings"])}
    row["right"] = row["found"] == present and row["cosine"] >= RIGHT
    row["warned"] = bool(row["warnings"])
    for label, method in {"NMF": nmf, "ALS": als}.items() if beside else ():
        row[label] = baseline(method, np.maximum(X, 0), C, S)
    return row


def baseline(method: Callable, X: np.ndarray, C: np.ndarray, S: np.ndarray) -> float:
    """Cosine of a method told the number; 0 where it stops with an error (more components than samples)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            codes, found = method(X, len(S))
        except (ValueError, IndexError, np.linalg.LinAlgError):
            return 0.0
    return scores(np.nan_to_num(found), codes, C, S)["cosine"]


def page(runs: dict[str, list[dict]], seeds: list[int]) -> str:
    """The table in Markdown."""
    everything = [r for rows in runs.values() for r in rows]
    silent = [(name, r) for name, rows in runs.items() for r in rows if not (r["right"] or r["warned"])]
    lines = [
        "# Breaking points: right, or an honest warning?",
        "",
        f"{len(everything)} tables, seeds from {seeds[0]} (five, fewer where the second column says so). 16 components, 64 "
        f"samples, 512 channels, 20 dB, mixes of 1 to 4, unless said. Right: the number exact and cosine at least {RIGHT}; "
        "MCR is not told the number, the others are (0: they refuse). Cosines: mean (worst). Number: of components present.",
        "",
        f"Silent errors: {len(silent)} of {len(everything)}.",
        "",
        "| case | number exact | found | cosine | oracle | right | wrong, warned | silent error | right, warned "
        "| NMF | MCR-ALS | CPU s |",
        "|---" * 12 + "|",
    ]
    lines += [line(name, rows) for name, rows in runs.items()]
    lines += ["", "Silent errors:", ""]
    lines += [
        f"- {name}, seed {r['seed']}: {r['found']} for {r['k']}, cosine {r['cosine']:.3f}" for name, r in silent
    ] or ["- none"]
    lines += ["", "What is said most often:", ""]
    for name, rows in runs.items():
        said = [w.split(":")[0].split(" (")[0] for r in rows for w in r["warnings"]]
        common = sorted(set(said), key=said.count, reverse=True)[:2]
        lines += [f"- {name}: {' / '.join(common)}"] if common else []
    return "\n".join(lines) + "\n"


def line(name: str, rows: list[dict]) -> str:
    """One row of the table."""
    found = sorted({r["found"] for r in rows})
    right = [r["right"] for r in rows]
    cells = [f"{sum(r['found'] == r['k'] for r in rows)}/{len(rows)}", ", ".join(map(str, found))]
    cells += [spread(rows, "cosine"), spread(rows, "oracle"), f"{sum(right)}"]
    cells += [
        str(sum(not r["right"] and r["warned"] for r in rows)),
        str(sum(not (r["right"] or r["warned"]) for r in rows)),
    ]
    cells += [str(sum(r["right"] and r["warned"] for r in rows))]
    cells += [spread(rows, label) for label in ("NMF", "ALS")]
    return f"| {name} | " + " | ".join(cells) + f" | {statistics.median(r['seconds'] for r in rows):.1f} |"


def spread(rows: list[dict], key: str) -> str:
    """Mean (worst)."""
    values = [r[key] for r in rows if key in r]
    return f"{statistics.fmean(values):.3f} ({min(values):.3f})" if values else "-"


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs=2, default=(120, 125))
    parser.add_argument("--only", default="", help="cases whose name holds this; results are then not kept")
    parser.add_argument("--no-baselines", action="store_true")
    given = parser.parse_args()
    seeds, runs = list(range(*given.seeds)), {}
    for name in sorted((name for name in CASES if given.only in name), key=lambda name: name in SLOW):
        some = seeds[: SLOW.get(name, len(seeds))]
        runs[name] = [one_run(name, seed, not given.no_baselines and "512" not in name) for seed in some]
        print(line(name, runs[name]), flush=True)
        if not given.only and not given.no_baselines:
            write(runs, seeds)


def write(runs: dict[str, list[dict]], seeds: list[int]) -> None:
    """Both files of results, in the order of the cases."""
    runs = {name: runs[name] for name in CASES if name in runs}
    text = json.dumps({"runs": runs}, separators=(",", ":"), default=float)
    (RESULTS / "breaking_points.json").write_text(text + "\n")
    (RESULTS / "breaking_points.md").write_text(page(runs, seeds))


if __name__ == "__main__":
    main()
