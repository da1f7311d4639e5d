"""Candidates for peaks against worlds with known truth: how many are right, how many are found. True regions, no fit.

The rules (widths, thresholds, which elements are rare) were set on seeds 0 to 7.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import xarray as xr

from common import head, log, table, write_page
from spaxel import interpret, simulate
from spaxel.results.convention import make_result
from spaxel.synth.ifu.light import GAS, line_fluxes
from spaxel.synth.ifu.world import CLASSES
from spaxel.synth.maxrf.pigments import GROUND, PIGMENTS

SEEDS = range(130, 135)
SHOWN = {  # elements that a pigment shows clearly through 1 cm of air
    "lead white": {"Pb"}, "vermilion": {"Hg", "S"}, "azurite": {"Cu"}, "red ochre": {"Fe"}, "bone black": {"Ca", "P"},
    "smalt": {"K", "Co", "As"}, "umber": {"Fe", "Mn"}, "lead-tin yellow": {"Pb", "Sn"},
}  # fmt: skip
APPARATUS = {"Rh", "Ar"}  # tube and air
ELSEWHERE = 0.03  # a redshift that is wrong


def of_truth(cube: xr.Dataset) -> xr.Dataset:
    """A result whose components are the true regions."""
    labels, spectra = cube["truth_labels"].values, cube["spectra"].values.astype(float)
    own = [spectra[labels == i] for i in range(labels.max() + 1)]
    mean, spread = (
        np.stack([f(s, 0) if len(s) else np.full(spectra.shape[2], np.nan) for s in own]) for f in (np.mean, np.std)
    )
    sizes = np.array([len(s) for s in own])
    arrays = {"component_spectra": mean, "component_spread": spread, "component_size": sizes}
    result = make_result(cube, labels=labels.astype(np.int32), **arrays)
    result["component_spectra"].attrs = {"units": "counts"} if cube["spectra"].dtype.kind == "u" else {}
    return result


def painting(counts: int, channels: int, seed: int) -> np.ndarray:
    """Of one painting: named, right, wanted, held, enriched, enriched and of the pigment."""
    size = {"height": 48, "width": 48, "channels": channels}
    cube = simulate("maxrf", seed=seed, n_pigments=8, counts=float(counts), **size).compute()
    pigments = cube.attrs["truth_names"]
    possible = set(GROUND).union(*(PIGMENTS[p] for p in pigments)) | APPARATUS
    found = np.zeros(6, int)
    for pigment, own in zip(pigments, interpret(of_truth(cube)).candidates, strict=False):
        names, more = {c.name for c in own}, {c.name for c in own if c.times > 2}
        wanted = SHOWN[pigment] if names else set()
        sets = (names, names & possible, wanted, wanted & names, more, more & (set(PIGMENTS[pigment]) | {"Sr"}))
        found += [len(s) for s in sets]
    return found


def galaxy(snr: float, seed: int) -> tuple[np.ndarray, int, int]:
    """Of one galaxy: lines found in each class, candidates that are no line put in, candidates at a wrong redshift."""
    result = of_truth(simulate("ifu", height=48, width=48, seed=seed, snr=snr).compute())
    put_in = set().union(*(line_fluxes(gas) for gas in GAS))
    own = [{c.name for c in candidates} for candidates in interpret(result).candidates]
    far = sum(map(len, interpret(result, ELSEWHERE).candidates))
    return np.array([len(names & put_in) for names in own]), sum(len(names - put_in) for names in own), far


def main() -> None:
    """Run all, write benchmarks/results/candidates.md."""
    about = head()
    rows = []
    for counts, channels in product((50, 200, 1000), (256, 1024)):
        each = np.array([painting(counts, channels, seed) for seed in SEEDS])
        precision, recall = each[:, 1] / each[:, 0], each[:, 3] / each[:, 2]
        enriched = each[:, 5].sum() / max(each[:, 4].sum(), 1)
        row = (counts, channels, precision.mean(), precision.min(), recall.mean(), recall.min(), enriched)
        rows.append([str(v) if isinstance(v, int) else f"{v:.3f}" for v in row])
        log(" ".join(rows[-1]))
    header = ("photons", "channels", "precision", "worst", "recall", "worst", "× > 2 and of the pigment")
    parts = [
        f"Paintings of 8 pigments, 48 x 48 pixels, seeds {SEEDS[0]} to {SEEDS[-1]}. "
        "Right: in the painting, ground, tube or air.",
        table(header, rows),
    ]
    lines = []
    for snr in (5.0, 15.0):
        runs = [galaxy(snr, seed) for seed in SEEDS]
        found = np.mean([run[0] for run in runs], axis=0)
        lines.append(
            [
                f"{snr:g}",
                *(f"{v:.1f}" for v in found),
                str(sum(run[1] for run in runs)),
                str(sum(run[2] for run in runs)),
            ]
        )
        log(" ".join(lines[-1]))
    words = (
        f"Galaxies, the same size and seeds: lines found of the 9 that were put in, mean by true class; over all seeds "
        f"together the candidates that are no such line, and those at redshift {ELSEWHERE}, which is wrong."
    )
    parts += [words, table(("S/N", *CLASSES, "no line", "wrong redshift"), lines)]
    write_page("candidates", "Candidates for peaks against known truth", about, parts)


if __name__ == "__main__":
    main()
