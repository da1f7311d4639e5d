"""The number of components of smooth tables whose channels share their noise: simulated ones, then real ones.

    python benchmarks/smooth_tables.py [--seeds 120 126] [--data ../shared/data]

writes benchmarks/results/smooth_tables.{json,md}. The rules of spaxel.linear.count.knee were chosen on seeds below 100.
"identifiable": the weakest component's singular value is at least 1.5 times the largest of the noise.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import warnings
from pathlib import Path

import numpy as np
from scipy.fft import dct
from scipy.ndimage import gaussian_filter1d

from slow_estimators import bi_cross_validation, parallel_analysis
from spaxel import MCR
from spaxel.linear.count import estimators
from spaxel.linear.count.edge import edge, scan_powers
from spaxel.linear.count.knee import knee, shares_noise
from spaxel.linear.noise import eigenvalues
from spaxel.synth.mixture import mixture

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WORLDS = {
    "local": "noise smoothed along the channels",
    "drift": "and a smooth curve of the baseline in each sample",
    "scatter": "and the brightness uneven",
    "deriv": "smoothed noise, then first derivatives (signed)",
    "run": "elution in time, noise grows with the signal",
    "sparse": "1 to 4 of 5 to 16 components in a sample",
}
NUMBERS, SPARSE, LEVELS = (2, 3, 4, 6), (5, 8, 12, 16), (20, 25, 30, 35, 40)


def world(seed: int, kind: str, k: int, db: float) -> tuple[np.ndarray, float]:
    """A smooth table (n, channel), and the weakest component over the strongest direction of the noise."""
    rng = np.random.default_rng([seed, list(WORLDS).index(kind), k, round(db)])
    n, d = int(rng.integers(25, 160)), int(rng.integers(100, 400))
    pure = smooth_spectra(rng, k, d)
    if kind == "sparse":
        n = max(4 * k * int(rng.integers(1, 3)), 30)
    clean = amounts(rng, kind, n, k) @ pure
    if kind == "scatter":
        clean = clean * np.exp(0.2 * rng.standard_normal((n, 1)))
    size = 10 ** (-db / 20) * np.sqrt((clean**2).mean())
    noise = gaussian_filter1d(rng.standard_normal((n, d)), rng.uniform(1, 5), axis=1, mode="reflect")
    if kind == "run":
        noise = noise / noise.std() * np.sqrt(0.05 + clean / clean.mean())
    noisy = clean + size * noise / noise.std()
    if kind in ("drift", "scatter"):
        curves = gaussian_filter1d(rng.standard_normal((n, d)), d * rng.uniform(0.1, 0.3), axis=1, mode="nearest")
        noisy = noisy + size * curves / curves.std()
    if kind == "deriv":
        noisy, clean = (gaussian_filter1d(x, 2.0, axis=1, order=1) for x in (noisy, clean))
    return noisy, float(np.linalg.svd(clean, compute_uv=False)[k - 1] / np.linalg.norm(noisy - clean, 2))


def smooth_spectra(rng: np.random.Generator, k: int, d: int) -> np.ndarray:
    """Two to five Gaussian bands each, norm 1: (k, channel)."""
    x, pure = np.linspace(0, 1, d), np.zeros((k, d))
    for row in pure:
        m = rng.integers(2, 6)
        centres, heights, widths = rng.random(m), rng.uniform(0.2, 1, m), rng.uniform(0.02, 0.08, m)
        row += (heights[:, None] * np.exp(-((x - centres[:, None]) ** 2) / (2 * widths[:, None] ** 2))).sum(0)
    return pure / np.linalg.norm(pure, axis=1, keepdims=True)


def amounts(rng: np.random.Generator, kind: str, n: int, k: int) -> np.ndarray:
    """Concentrations (n, k)."""
    if kind == "run":
        time = (np.arange(n) + 0.5) / n
        centres, widths = (np.arange(k) + 0.5 + rng.uniform(-0.3, 0.3, k)) / k, rng.uniform(0.3, 0.7, k) / k
        return np.exp(-((time[:, None] - centres) ** 2) / (2 * widths**2)) * rng.uniform(2, 10, k)
    if kind == "sparse":
        C = np.zeros((n, k))
        for row in C:
            m = rng.integers(1, 5)
            row[rng.choice(k, m, replace=False)] = rng.uniform(1, 10, m)
        return C
    return rng.uniform(0.2, 1, (n, k)) * rng.uniform(0.3, 1, k)


def band_limited_edge(X: np.ndarray, floor: float = 0.1) -> int:
    """Edge after whitening by the power of the residual along the DCT of the channels, kept above a floor."""
    Z, n = dct(X, axis=1, norm="ortho"), len(X)
    left, values, right = np.linalg.svd(Z, full_matrices=False)
    for k in range(min(30, len(values) - 2)):
        rest = (left[:, k:] * values[k:]) @ right[k:]
        power = np.exp(gaussian_filter1d(np.log((rest**2).mean(0) + 1e-300), 2.0, mode="nearest"))
        kept = power > floor * power.max()
        if kept.sum() < k + 3 or edge(eigenvalues(Z[:, kept] / np.sqrt(power[kept])), n, int(kept.sum())).n <= k:
            return k
    return 30


def counts(X: np.ndarray) -> dict[str, int]:
    """What each way counts. X : (n, channel)."""
    weights, found, _ = scan_powers(X)
    Y, (n, d) = weights.apply(X), X.shape
    values = eigenvalues(Y)
    return {
        "knee": knee(X).n,
        "edge": found.n,
        "edge, DCT-whitened": band_limited_edge(X),
        "MDL": estimators.mdl(values, n, d)[0],
        "hard threshold": estimators.gavish_donoho(values, n, d),
        "largest gap": estimators.largest_gap(values)[0],
        "parallel analysis": parallel_analysis(Y),
        "bi-cross-validation": bi_cross_validation(Y)[0],
    }


def simulated(seeds: range) -> list[dict]:
    """Every world, number and level."""
    runs = []
    for kind in WORLDS:
        for k in SPARSE if kind == "sparse" else NUMBERS:
            for db in LEVELS:
                for seed in seeds:
                    X, clear = world(seed, kind, k, db)
                    weights, found, _ = scan_powers(X)
                    broken = knee(X)
                    row = {"kind": kind, "k": k, "clear": clear, "sure": broken.sure, "others": list(broken.others)}
                    runs.append(row | {"shared": shares_noise(weights.apply(X), found), "counts": counts(X)})
        print(kind, flush=True)
    return runs


def white(seeds: range) -> list[dict]:
    """Smooth spectra under white noise, where the new way must not be taken."""
    runs = []
    for db in (10, 20, 30, 40):
        for k in (4, 8, 16, 32):
            for width in (0.01, 0.02, 0.04, 0.08):
                for seed in seeds:
                    cube = mixture(seed=seed, n_components=k, spectra="peaks", peak_width=width, snr_db=db)
                    X = cube["spectra"].values[:, 0]
                    weights, found, _ = scan_powers(X)
                    runs.append({"k": k, "edge": found.n, "shared": shares_noise(weights.apply(X), found)})
    return runs


def real(data: Path) -> list[dict]:
    """What MCR says about each real table."""
    rows = []
    for name, X in real_tables(data).items():
        model = MCR().fit(X)
        said = {key: model.info_[key] for key in ("sentence", "warnings", "explained")}
        rows.append({"table": name, "shape": X.shape, "n": model.n_components_, "counts": counts(X)} | said)
    return rows


def real_tables(data: Path) -> dict[str, np.ndarray]:
    """The real tables, as stored."""
    gasoline = np.load(data / "gasoline" / "gasoline.npz")
    tea = np.load(data / "hplcdad_tea" / "tea.npz")["runs"].astype(float)
    with (data / "tecator" / "tecator_train.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    return {
        "carbs (Raman)": np.load(data / "mcr_carbs" / "carbs.npz")["D"],
        "bioethanol (NIR, derivatives)": np.load(data / "nir_bioethanol" / "NIR.npz")["X"],
        "gasoline (NIR)": next(gasoline[name] for name in gasoline if gasoline[name].shape == (60, 401)),
        "tecator (NIR)": np.array([[float(v.replace(",", ".")) for v in row[2:]] for row in rows]),
        "tea (HPLC-DAD), one run": tea[0],
        "tea (HPLC-DAD), five runs": tea.reshape(-1, tea.shape[-1]),
    }


def responses(data: Path) -> list[dict]:
    """NIR of bioethanol: the largest correlation of an abundance with each response, signed components."""
    stored, rows = np.load(data / "nir_bioethanol" / "NIR.npz"), []
    for k in (2, 3, 4, 6):
        A = MCR(n_components=k).fit(stored["X"]).transform(stored["X"])
        r = np.corrcoef(A.T, stored["Y"].T)[:k, k:]
        glucose, ethanol = (float(r[np.abs(r[:, i]).argmax(), i]) for i in (0, 1))
        rows.append({"k": k, "glucose": glucose, "ethanol": ethanol})
    return rows


def page(runs: list[dict], smooth: list[dict], tables: list[dict], nir: list[dict], seeds: range) -> str:
    """The tables in Markdown."""
    clear = [r for r in runs if r["clear"] > 1.5]
    lines = [
        "# The number of components of smooth tables, not given",
        "",
        f"{len(runs)} simulated tables whose neighbouring channels share their noise, seeds {seeds.start} to {seeds.stop - 1}, "
        f"20 to 40 dB; in {len(clear)} the weakest component stands 1.5 times above the noise. Recognised as such: "
        f"{sum(r['shared'] for r in runs)} of {len(runs)}; of {len(smooth)} smooth tables under white noise "
        f"{sum(r['shared'] for r in smooth)} wrongly, of which the edge was right in "
        f"{sum(r['shared'] and r['edge'] == r['k'] for r in smooth)}.",
        "",
        "| count exact (too many) | all | identifiable | " + " | ".join(WORLDS) + " |",
        "|---" * (len(WORLDS) + 3) + "|",
    ]
    for name in runs[0]["counts"]:
        parts = [runs, clear, *([r for r in clear if r["kind"] == kind] for kind in WORLDS)]
        lines.append(f"| {name} | " + " | ".join(share(part, name) for part in parts) + " |")
    lines += [
        "",
        *(f"- {kind}: {what}" for kind, what in WORLDS.items()),
        "",
        "How sure the knee says it is, and how often it was right:",
        "",
    ]
    lines += ["| says | tables | right | right or among those named beside it |", "|---|---|---|---|"]
    for sure in sorted({r["sure"] for r in runs}, reverse=True):
        part = [r for r in runs if r["sure"] == sure]
        named = sum(r["k"] in (r["counts"]["knee"], *r["others"]) for r in part) / len(part)
        right = statistics.fmean(r["counts"]["knee"] == r["k"] for r in part)
        lines.append(f"| {sure:.0%} | {len(part)} | {right:.0%} | {named:.0%} |")
    lines += ["", "Real tables (no truth but for carbs, 3; nothing was chosen on them):", ""]
    lines += ["| table | MCR | voices | says |", "|---|---|---|---|"]
    for r in tables:
        said, (n, d) = ", ".join(f"{name} {k}" for name, k in r["counts"].items()), r["shape"]
        lines.append(f"| {r['table']} {n} x {d} | {r['n']} | {said} | {r['sentence']} |")
    lines += ["", "NIR of bioethanol, signed components, largest correlation of an abundance with each response:", ""]
    lines += ["| components | glucose | ethanol |", "|---|---|---|"]
    lines += [f"| {r['k']} | {r['glucose']:+.2f} | {r['ethanol']:+.2f} |" for r in nir]
    return "\n".join(lines) + "\n"


def share(runs: list[dict], name: str) -> str:
    """Share of exact counts and of too large ones."""
    errors = np.array([r["counts"][name] - r["k"] for r in runs])
    return f"{(errors == 0).mean():.0%} ({(errors > 0).mean():.0%})"


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs=2, default=(120, 125))
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    runs, smooth = simulated(range(*given.seeds)), white(range(*given.seeds))
    tables, nir = real(given.data), responses(given.data)
    RESULTS.mkdir(exist_ok=True)
    kept = {"runs": runs, "white": smooth, "real": tables, "responses": nir}
    text = json.dumps(kept, separators=(",", ":"), default=float)
    (RESULTS / "smooth_tables.json").write_text(text + "\n")
    (RESULTS / "smooth_tables.md").write_text(page(runs, smooth, tables, nir, range(*given.seeds)))


if __name__ == "__main__":
    main()
