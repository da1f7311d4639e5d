"""Whether a class of 0.1 % of the pixels is in the sample that a fit learns from, by size of the image and how the class lies.

Nothing is fitted: a class that is not in the sample is found by no method.
"""

from __future__ import annotations

import argparse

import numpy as np

import spaxel
from common import head, table, write_json, write_page
from spaxel.cube.sampling import sample_spectra

SIDES = (512, 1024, 2048, 4096)
SEEDS = 10
SHARE, DRAWN, RARE = 0.001, 20_000, 255


def image(side: int, lies: str, seed: int) -> np.ndarray:
    """(side, side, 2) uint8: 1 everywhere, 255 where the class lies. lies : in one square, in ten, or scattered"""
    rng, values = np.random.default_rng([side, seed]), np.ones((side, side, 2), np.uint8)
    n = round(SHARE * side * side)
    if lies == "scattered":
        values.reshape(-1, 2)[rng.choice(side * side, n, replace=False)] = RARE
        return values
    squares = 10 if lies == "ten squares" else 1
    edge = round(np.sqrt(n / squares))
    for y, x in rng.integers(0, side - edge, (squares, 2)):
        values[y : y + edge, x : x + edge] = RARE
    return values


def drawn(side: int, lies: str, seed: int) -> int:
    """How many spectra of the class are in the sample."""
    cube = spaxel.make_cube(image(side, lies, seed))
    return int((sample_spectra(cube, DRAWN, seed).spectra[:, 0] == RARE).sum())


def main() -> None:
    """Run and write benchmarks/results/rare_sample.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small image, nothing is written")
    quick, about = parser.parse_args().quick, head()
    sides, seeds = (SIDES[:1], 1) if quick else (SIDES, SEEDS)
    found = {
        f"{side} {lies}": [drawn(side, lies, seed) for seed in range(seeds)]
        for side in sides
        for lies in ("one square", "ten squares", "scattered")
    }
    rows = [
        [*name.split(" ", 1), f"{sum(n == 0 for n in counts)} of {len(counts)}", f"{np.median(counts):.0f}"]
        for name, counts in found.items()
    ]
    page = table(("side of the image", "the class lies", "seeds that miss it", "spectra of it, median"), rows)
    if quick:
        print(page)
        return
    write_json("rare_sample", about, found=found)
    write_page(
        "rare_sample", "Rare classes in the sample", about, [f"{SEEDS} seeds, {DRAWN} spectra drawn, 0.1 %.", page]
    )


if __name__ == "__main__":
    main()
