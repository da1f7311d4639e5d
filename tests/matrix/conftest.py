"""One small scene, as each kind of data that the matrix asks for: how it is measured, its axis, its noise, its gaps."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.readers.native import write_cube

HEIGHT, WIDTH, CHANNELS = 12, 11, 64  # more channels than dsc keeps principal axes (32), so that some hold noise alone
NOISE = 0.08  # of values up to 1: what the axes of a sample leave must show, else nothing is denoised
U = np.linspace(0, 1, CHANNELS)
MATERIALS = 0.05 + np.exp(-((U[None] - np.array([[0.2], [0.5], [0.8]])) ** 2) / 0.02)
LABELS = np.repeat(np.arange(HEIGHT) * 3 // HEIGHT, WIDTH).reshape(HEIGHT, WIDTH).astype(np.int32)
CLEAN = (np.eye(3)[LABELS] * 0.8 + 0.2 / 3) @ MATERIALS  # every pixel holds a little of each


class Kind(NamedTuple):
    """Files of one kind, which spectra of each hold data, and known spectra on its axis: the materials, and three others."""

    files: list[Path]
    lit: list[np.ndarray]
    library: Path


@pytest.fixture(scope="session")
def kinds(tmp_path_factory) -> dict[str, Kind]:
    """Every kind by its name, on disk. Not to be changed."""
    folder, rng = tmp_path_factory.mktemp("kinds"), np.random.default_rng(0)
    counts = [rng.poisson(40 * CLEAN[:rows]).astype(np.uint16) for rows in (HEIGHT, HEIGHT, 9)]
    noisy = (CLEAN + rng.normal(0, NOISE, CLEAN.shape)).astype(np.float32)
    keV, nm = 1 + 0.25 * np.arange(CHANNELS), 400 + 5.0 * np.arange(CHANNELS)
    gaps = 0.1 + 0.7 * np.abs(noisy)
    gaps[:2], gaps[:, -1], gaps[5, 5] = np.nan, np.nan, 0
    holed = np.abs(0.1 + 0.7 * noisy)
    holed[np.random.default_rng(1).random(holed.shape) < 0.03] = np.nan
    holed[3:5, 2:6, 40:] = np.nan  # a block that some pixels lack
    variance = np.full(CLEAN.shape, (1e-3 * NOISE) ** 2, np.float32)

    def write(name, spectra, axis, units, **more):
        return write_cube(make_cube(spectra, axis, units, **more), folder / f"{name}.zarr")

    cubes = {
        "counts": [write("counts", counts[0], keV, "keV", truth_labels=LABELS)],
        "reflectance": [write("reflectance", np.abs(0.1 + 0.7 * noisy), nm, "nm", truth_labels=LABELS)],
        "flux": [write("flux", 1e-3 * (noisy - 0.05), 10 * nm, "Angstrom", variance=variance, truth_labels=LABELS)],
        "raman": [write("raman", 300 - 100 * U.astype(np.float32) + 500 * noisy, 1600 * U + 200, "1/cm")],
        "eds": [write("eds", rng.poisson(1.5 * CLEAN).astype(np.uint8), keV, "keV", truth_labels=LABELS)],
        "border": [write("border", gaps, nm, "nm")],
        "gaps": [write("gaps", holed, nm, "nm", truth_labels=LABELS)],
        "several": [write(f"day{i}", counts[i], keV, "keV", truth_labels=LABELS[: len(counts[i])]) for i in (1, 2)],
        "table": [_table(folder / "table.csv", rng, nm)],
    }
    known = np.vstack([MATERIALS, np.exp(-((U[None] - np.array([[0.05], [0.35], [0.95]])) ** 2) / 0.004)])
    axes = {"counts": (keV, "keV"), "eds": (keV, "keV"), "several": (keV, "keV"), "flux": (10 * nm, "Angstrom")}
    axes["raman"] = (1600 * U + 200, "1/cm")
    library = {name: write(f"known_{name}", known[:, None], *axes.get(name, (nm, "nm"))) for name in cubes}
    every = np.ones((HEIGHT, WIDTH), bool)
    whole = {name: Kind(files, [every] * len(files), library[name]) for name, files in cubes.items()}
    whole["several"].lit[1] = np.ones((9, WIDTH), bool)
    whole["table"].lit[0] = np.ones((40, 1), bool)
    whole["border"].lit[0] = np.isfinite(gaps).all(2) & gaps.any(2)
    return whole


def _table(path: Path, rng: np.random.Generator, axis: np.ndarray) -> Path:
    """Mixtures of one or two of the three materials, a spectrum per line, without a unit of the axis."""
    amounts = rng.dirichlet(np.ones(3), 40)
    amounts[np.arange(40), rng.integers(0, 3, 40)] = 0
    rows = np.maximum(amounts @ MATERIALS + rng.normal(0, 0.005, (40, CHANNELS)), 0)
    np.savetxt(path, np.vstack([axis, rows]), fmt="%.5f", delimiter=",")
    return path
