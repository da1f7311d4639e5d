"""How often K = auto finds the number of components, and what its word is worth.

The checks and thresholds of spaxel.methods.centers.evidence were chosen on 48 worlds like these with seeds 0 and 1; the
table uses others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from common import Scene, head, log, paintings, reflectances, table, write_json, write_page
from spaxel import KMeans

WORDS = ("sure", "fairly sure", "unsure")


def worlds(seeds: list[int], quick: bool) -> Iterator[Scene]:
    """24 worlds per seed, half of them paintings, half reflectance."""
    if quick:
        yield from paintings((3,), (200,), seeds[:1], (80, 96, 512))
        yield from reflectances((3,), (0.0,), (0.005,), seeds[:1])
        return
    yield from paintings((3, 5, 8, 12), (50, 200, 1000), seeds, (80, 96, 512))
    yield from reflectances((3, 5, 8), (0.0, 0.4), (0.005, 0.03), seeds)


def one(scene: Scene, linkage: str) -> dict[str, Any]:
    """What the voices said, what was chosen, and with what word."""
    info = KMeans(linkage=linkage, random_state=scene.seed).fit(scene.cube).info_
    word = info["sentence"].split(", ")[1].split(":")[0]
    log(f"{scene.family} {scene.setting} seed {scene.seed}: {scene.k} -> {info['n_components']} {word} {info['votes']}")
    return {
        "family": scene.family,
        "setting": scene.setting,
        "seed": scene.seed,
        "linkage": linkage,
        "true": scene.k,
        "found": info["n_components"],
        "word": word,
        "votes": info["votes"],
        "scaling": info["scaling"],
    }


def is_near(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Within one, or 15 % of the truth."""
    return np.abs(found - true) <= np.maximum(1, np.round(0.15 * true))


def line(name: str, found: list[int], true: list[int]) -> list[str]:
    """One row: bias and error in octaves, share exact and near."""
    f, t = np.array(found), np.array(true)
    octaves = np.log2(f / t)
    numbers = f"{octaves.mean():+.2f}", f"{np.abs(octaves).mean():.2f}"
    return [name, *numbers, f"{(f == t).mean():.0%}", f"{is_near(f, t).mean():.0%}", str(len(f))]


def voices(rows: list[dict[str, Any]]) -> str:
    """The table of voices and their median."""
    lines = []
    for name in rows[0]["votes"]:
        lines.append(line(name, [r["votes"][name] for r in rows], [r["true"] for r in rows]))
    lines.append(line("**median**", [r["found"] for r in rows], [r["true"] for r in rows]))
    for true in sorted({r["true"] for r in rows}):
        some = [r for r in rows if r["true"] == true]
        lines.append(line(f"median, true K = {true}", [r["found"] for r in some], [r["true"] for r in some]))
    header = ("voice", "mean log2(K / true)", "mean absolute", "exact", "near", "worlds")
    return table(header, lines)


def calibration(rows: list[dict[str, Any]]) -> str:
    """What its word is worth."""
    lines = []
    for word in WORDS:
        some = [r for r in rows if r["word"] == word]
        if some:
            lines.append(line(word, [r["found"] for r in some], [r["true"] for r in some]))
    return table(("it says", "mean log2(K / true)", "mean absolute", "exact", "near", "worlds"), lines)


def main() -> None:
    """Run and write benchmarks/results/evidence.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two worlds, nothing is written")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11])
    parser.add_argument("--linkage", default="centroid")
    chosen = parser.parse_args()
    about = head() | {"seeds": chosen.seeds}
    with threadpool_limits(1):
        rows = [one(scene, chosen.linkage) for scene in worlds(chosen.seeds, chosen.quick)]
    parts = [
        f"Simulated worlds with seeds {', '.join(map(str, chosen.seeds))} (voices and thresholds were chosen on seeds 0 "
        f"and 1), linkage {chosen.linkage}. Near: within max(1, 15 % of K). Errors in octaves: +1 is twice too many."
    ]
    for family in ("maxrf", "reflectance"):
        some = [r for r in rows if r["family"] == family]
        parts += [f"## {family}", voices(some), "What its word is worth:", calibration(some)]
    parts += ["## both", voices(rows), "What its word is worth:", calibration(rows)]
    if chosen.quick:
        print("\n\n".join(parts))
        return
    write_json("evidence", about, rows=rows)
    write_page("evidence", "How often the number of components is found", about, parts)


if __name__ == "__main__":
    main()
