"""What `spaxel segment` does and advises by itself before a fit: spikes that are removed, backgrounds that are named.

Simulated Raman maps: 4 materials with 3 to 5 bands each (1.5 to 4 channels wide), regions from Gaussian random fields, photon
noise. Spikes: one to three channels wide, 1 to 20 times as high as the spectrum (log-uniform). Background: a wide hump times
a smooth field and a random part, so many times as high as the bands. Seeds 200 to 204; the rules were set on the cases of
../shared/cases, on real files, and on seeds 0 to 4 of these worlds.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score

import spaxel
from common import DATA, head, log, table, write_json, write_page
from spaxel.errors import SpaxelError
from spaxel.preprocess import mask_channels
from spaxel.preprocess.advice import background_advice
from spaxel.preprocess.spikes_found import find_spikes

SEEDS = range(200, 205)
SPIKY = (0.0, 0.005, 0.02, 0.05)
BACKGROUNDS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
SHAPE = (48, 60, 200)
FILES = (
    "samson/Samson.mat", "salinas_a/SalinasA_corrected.mat", "hydice/HYDICE_data.mat",
    "gatorsense/a_hsi_img_for_VI_demo.mat", "wheat_grains/var1_grain0.hdr", "eds_bruker/bcf_v2_50x50px.bcf",
    "eds_bruker/test_TEM.bcf", "raman_renishaw/renishaw_test_streamline.wdf", "muse_dryrun/CUBE.fits", "moffett/moffett.mat",
    "formats/renishaw_test_map.wdf", "mcr_carbs/carbs.npz", "nir_bioethanol/NIR.npz", "hplcdad_tea/tea.npz",
    "gasoline/gasoline.npz", "tecator/tecator_train.csv",
)  # fmt: skip


def raman(seed: int, spiky: float = 0.0, background: float = 0.0) -> tuple[xr.Dataset, np.ndarray]:
    """A Raman map and its truth. spiky : share of spectra with a spike      background : times the height of the bands"""
    rng = np.random.default_rng([seed, 7])
    height, width, channels = SHAPE
    c = np.arange(channels)
    bands = np.zeros((4, channels))
    for material in bands:
        for _ in range(rng.integers(3, 6)):
            place, wide = rng.uniform(15, channels - 15), rng.uniform(1.5, 4)
            material += rng.uniform(0.4, 1) * np.exp(-(((c - place) / wide) ** 2))
    fields = np.stack([gaussian_filter(rng.normal(size=(height, width)), 6) for _ in range(4)], -1)
    truth = fields.argmax(-1)
    smooth = gaussian_filter(rng.normal(size=(height, width)), 9)
    light = np.exp(0.4 * smooth / smooth.std()) * rng.uniform(0.9, 1.1, (height, width))
    hump = np.exp(-(((c / channels - rng.uniform(0.2, 0.6)) / 0.5) ** 2))
    clean = 100 * bands[truth] * rng.uniform(0.8, 1.2, (height, width, 1)) + 20
    spectra = rng.poisson(clean + 100 * background * light[..., None] * hump).astype(np.float32)
    for y, x in np.argwhere(rng.random((height, width)) < spiky):
        at, wide = rng.integers(0, channels - 2), rng.integers(1, 4)
        spectra[y, x, at : at + wide] += np.exp(rng.uniform(0, np.log(20))) * spectra[y, x].max()
    return spaxel.make_cube(spectra, 200 + 10.0 * c, "1/cm"), truth


def agreement(cube: xr.Dataset, truth: np.ndarray, k: int | str = 4) -> float:
    """ARI of k-means as it is by default."""
    labels = spaxel.KMeans(n_clusters=k).fit(cube).predict(cube)["labels"].values
    return float(adjusted_rand_score(truth.ravel(), labels.ravel()))


def spikes() -> list[dict[str, Any]]:
    """Rows: share of spiky spectra, spectra found over those put in, ARI as it was and after."""
    rows = []
    for spiky in SPIKY:
        found = []
        for seed in SEEDS:
            cube, truth = raman(seed, spiky)
            clean = spaxel.despike(cube, threshold="auto")
            found.append((clean is not cube, agreement(cube, truth), agreement(clean, truth)))
            log(f"spikes {spiky} {seed} {found[-1]}")
        on, without, with_ = (np.array(part, float) for part in zip(*found, strict=True))
        rows.append({"spiky": spiky, "on": int(on.sum()), "without": without.tolist(), "with": with_.tolist()})
    return rows


def backgrounds() -> list[dict[str, Any]]:
    """Rows: height of the background, how often the advice came, ARI without and with the step, with the number told."""
    rows = []
    for background in BACKGROUNDS:
        found = []
        for seed in SEEDS:
            cube, truth = raman(seed, background=background)
            advised = bool(background_advice(cube))
            found.append((advised, agreement(cube, truth), agreement(spaxel.baseline(cube).load(), truth)))
            log(f"background {background} {seed} {found[-1]}")
        on, without, with_ = (np.array(part, float) for part in zip(*found, strict=True))
        rows.append(
            {"background": background, "on": int(on.sum()), "without": without.tolist(), "with": with_.tolist()}
        )
    return rows


def alarms() -> list[dict[str, Any]]:
    """Rows: each file of ../shared/data and each world: spectra with spikes, and the advice."""
    rows = []
    tiles = sorted((DATA / "enmap_potsdam").glob("images*.tif"))
    for file in [*FILES, *(str(tile.relative_to(DATA)) for tile in tiles)]:
        try:
            rows.append(_alarm(file, spaxel.open_cube(DATA / file)))
        except SpaxelError as error:
            log(f"{file}: {error}")
    for seed in SEEDS:
        worlds = {"maxrf": {}, "ifu": {"channels": 400}, "leaf": {}, "mixture": {}}
        for world, more in worlds.items():
            size = {} if world == "mixture" else {"height": 48, "width": 48}
            rows.append(_alarm(f"{world}, seed {seed}", spaxel.simulate(world, seed=seed, **size, **more)))
    return rows


def _alarm(name: str, cube: xr.Dataset) -> dict[str, Any]:
    cube = mask_channels(cube)
    found = find_spikes(cube)
    row = {"name": name, "spikes": found.spectra, "looked": found.looked, "removed": found.many()}
    row |= {"advice": background_advice(cube)}
    if found.many():
        before, after = (
            spaxel.KMeans().fit(c).predict(c)["labels"].values for c in (cube, spaxel.despike(cube, threshold="auto"))
        )
        row["same_labels"] = float(adjusted_rand_score(before.ravel(), after.ravel()))
    log(str(row))
    return row


def _two(values: list[float]) -> list[str]:
    return [f"{np.mean(values):.3f}", f"{min(values):.3f}"]


def parts(found: dict[str, Any]) -> list[str]:
    """The results as paragraphs and tables."""
    ari = ("ARI without", "worst", "ARI with", "worst")
    spiky = [[f"{r['spiky']:.1%}", str(r["on"]), *_two(r["without"]), *_two(r["with"])] for r in found["spikes"]]
    under = [
        [f"{r['background']:g}", str(r["on"]), *_two(r["without"]), *_two(r["with"])] for r in found["backgrounds"]
    ]
    rows = [
        [
            r["name"], f"{r['spikes']} of {r['looked']}", "yes" if r["removed"] else "no", r["advice"] or "-",
            f"{r['same_labels']:.3f}" if "same_labels" in r else "-",
        ]
        for r in found["alarms"] if r["spikes"] or r["advice"]
    ]  # fmt: skip
    said = (
        f"{len(found['alarms'])} files of ../shared/data and worlds. Those in which a spike or a background was seen:"
    )
    return [
        (__doc__ or "").partition("\n\n")[2].strip(),
        "## Spikes",
        table(("spectra with a spike", "removed in, of 5", *ari), spiky),
        "## Backgrounds",
        table(("background / bands", "advised in, of 5", *ari), under),
        "## Elsewhere",
        said,
        table(("file or world", "spectra with spikes", "removed", "advice", "ARI of labels before and after"), rows),
    ]


def main() -> None:
    """Run all, write benchmarks/results/corrections.json and .md."""
    about = head()
    warnings.simplefilter("ignore")
    found = {"spikes": spikes(), "backgrounds": backgrounds(), "alarms": alarms()}
    write_json("corrections", about, **found)
    write_page("corrections", "What segment does and advises before a fit", about, parts(found))


if __name__ == "__main__":
    main()
