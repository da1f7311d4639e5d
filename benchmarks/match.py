"""How often does `spaxel match` name the right entry of a library, and what does it say where the material is missing?

usage: python benchmarks/match.py      about a minute; writes benchmarks/results/match.md

Simulated libraries: reflectance (slopes, steps, 2 to 5 absorption bands) and Raman (3 to 9 narrow bands), 200 channels. An
entry has 0.5 % noise, light of its own and a sloping offset; a component is the mean of 30 pixels with 5 % noise and the same
freedom.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spaxel.metrics.library import FITS, MAY, NONE, Component, family_of, rank

X = np.linspace(0, 1, 200)
LACKING, SEEDS = 20, range(6)
OUT = Path(__file__).parent / "results" / "match.md"


def material(rng: np.random.Generator, kind: str) -> np.ndarray:
    """A spectrum of one substance."""
    bands, wide = (rng.integers(2, 6), (0.015, 0.08)) if kind == "reflectance" else (rng.integers(3, 10), (0.004, 0.02))
    peaks = [np.exp(-(((X - rng.uniform(0, 1)) / rng.uniform(*wide)) ** 2)) for _ in range(bands)]
    if kind == "Raman":
        return 0.02 + sum(rng.uniform(0.1, 1) * peak for peak in peaks)
    step = rng.uniform(0, 0.3) / (1 + np.exp(-(X - rng.uniform(0.2, 0.8)) * rng.uniform(5, 40)))
    smooth = rng.uniform(0.2, 0.5) + rng.uniform(-0.3, 0.3) * X + step
    return np.clip(smooth - sum(rng.uniform(0.03, 0.25) * peak for peak in peaks), 0.02, None)


def measured(rng: np.random.Generator, spectrum: np.ndarray, noise: float) -> np.ndarray:
    """The same spectrum in other light, with a sloping offset and noise."""
    offset = rng.uniform(-0.03, 0.03) + rng.uniform(-0.05, 0.05) * X
    return spectrum * rng.uniform(0.6, 1.4) + offset + rng.normal(0, noise * spectrum.mean(), len(X))


def name(number: int) -> str:
    """A word for a number."""
    return "".join(chr(97 + number // 26**k % 26) for k in range(3))


def one(rng: np.random.Generator, kind: str, n: int, variants: int) -> tuple[list[tuple[str, bool]], list[str]]:
    """(verdict and whether the name is right, of materials in the library), verdicts of those that it lacks."""
    known = [material(rng, kind) for _ in range(n + LACKING)]
    entries = [(f"{name(i)} {v}", measured(rng, known[i], 0.005)) for i in range(n) for v in range(variants)]
    there = list(range(0, n, max(1, n // 10)))
    components = []
    for i in [*there, *range(n, n + LACKING)]:
        pixels = np.array([measured(rng, known[i], 0.05) for _ in range(30)])
        components.append(Component(name(i), pixels.mean(0), pixels.std(0), np.empty((0, len(X))), np.empty(0)))
    answers = rank(components, [word for word, _ in entries], np.array([s for _, s in entries]), 3)
    right = [(a.verdict, family_of(a.candidates[0].name) == a.component) for a in answers[: len(there)]]
    return right, [a.verdict for a in answers[len(there) :]]


def main() -> None:
    """All sizes of libraries, as a table."""
    lines = [
        "# spaxel match: is the name right, and is a missing material noticed?",
        "",
        (__doc__ or "").split("\n\n")[2].strip(),
        "",
    ]
    lines += [
        "| kind | materials x entries | nearest is right | it fits / may fit / none | lacking: fits / may fit / none |",
        "|---|---|---|---|---|",
    ]
    for kind in ("reflectance", "Raman"):
        for n, variants in ((6, 1), (20, 1), (100, 1), (100, 3), (400, 1)):
            held, lacked = [], []
            for seed in SEEDS:
                there, missing = one(np.random.default_rng(seed), kind, n, variants)
                held, lacked = held + there, lacked + missing
            shares = [" / ".join(f"{np.mean([v == w for v in found]):.2f}" for w in (FITS, MAY, NONE))
                      for found in ([v for v, _ in held], lacked)]  # fmt: skip
            lines.append(
                f"| {kind} | {n} x {variants} | {np.mean([ok for _, ok in held]):.2f} | {shares[0]} | {shares[1]} |"
            )
            print(lines[-1])
    OUT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
