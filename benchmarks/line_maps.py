"""Maps of lines against worlds with known truth: net counts beside the pigments, fluxes beside those put in."""

from __future__ import annotations

import inspect
import time

import numpy as np

from common import head, log, table, write_page
from spaxel import KMeans, line_maps, simulate
from spaxel.synth.ifu import world
from spaxel.synth.ifu.light import GAS, line_fluxes

SEEDS = range(130, 133)
PIGMENTS = {"azurite": "Cu", "vermilion": "Hg", "lead white": "Pb", "red ochre": "Fe", "smalt": "Co"}
LINES = ("[O III] 5007", "[N II] 6583", "[S II] 6716", "Ha", "Hb")


def painting(counts: int, seed: int) -> tuple[list[float], float]:
    """Of one painting: correlation of the net counts of each element with the share of its pigment; seconds of the maps."""
    cube = simulate("maxrf", seed=seed, height=64, width=64, counts=float(counts), pigments=list(PIGMENTS)).compute()
    result = KMeans(n_clusters=5).fit(cube).predict(cube)
    start = time.perf_counter()
    maps = line_maps(cube, result, list(PIGMENTS.values()))
    seconds = time.perf_counter() - start
    places = [[str(n).split()[0] for n in maps["line"].values].index(element) for element in PIGMENTS.values()]
    true = cube["truth_abundances"].values
    return [
        np.corrcoef(maps["line_maps"].values[p].ravel(), true[..., i].ravel())[0, 1] for i, p in enumerate(places)
    ], seconds


def galaxy(snr: float, seed: int) -> list[tuple[float, float]]:
    """Of one galaxy: for each line the sum of its flux over that put in, and their correlation over pixels."""
    given = {name: p.default for name, p in inspect.signature(world.ifu).parameters.items()}
    own = {"height": 48, "width": 48, "seed": seed, "snr": snr}
    cube = simulate("ifu", **own).compute()
    amount = world.fluxes(world._compose(given | own), np.arange(48), np.arange(48))[..., 2:]
    maps = line_maps(cube, KMeans(n_clusters=4, scaling="none").fit(cube).predict(cube), LINES)
    found = {}
    for name, values in zip(maps["line"].values, maps["line_maps"].values, strict=True):
        true = sum(amount[..., i] * line_fluxes(gas).get(str(name), 0) for i, gas in enumerate(GAS))
        found[str(name)] = float(values.sum() / true.sum()), float(np.corrcoef(values.ravel(), true.ravel())[0, 1])
    return [found[name] for name in ("[O III] 5007", "[N II] 6583", "[S II] 6716", "Hα", "Hβ")]


def main() -> None:
    """Both tables, and the page."""
    about = head()
    rows = []
    for counts in (50, 400):
        log(f"paintings, {counts} photons")
        each = [painting(counts, seed) for seed in SEEDS]
        means = np.mean([c for c, _ in each], 0)
        rows.append((counts, *(f"{m:.3f}" for m in means), f"{max(s for _, s in each):.1f}"))
    lines = []
    for snr in (5.0, 15.0):
        log(f"galaxies, S/N {snr:g}")
        means = np.mean([galaxy(snr, seed) for seed in SEEDS], 0)
        lines.append((f"{snr:g}", *(f"{ratio:.2f}, {corr:.3f}" for ratio, corr in means)))
    seeds = f"seeds {SEEDS[0]} to {SEEDS[-1]}"
    paintings = (
        f"Paintings of 5 pigments, 64 x 64 pixels, 1024 channels, {seeds}: correlation of the net counts of an element with "
        "the abundance of its pigment; the most seconds."
    )
    galaxies = f"Galaxies, 48 x 48 pixels, {seeds}: sum of the flux over that put in, and correlation over pixels."
    parts = [paintings, table(("photons", *PIGMENTS.values(), "seconds"), rows)]
    parts += [galaxies, table(("S/N", "[O III] 5007", "[N II] 6583", "[S II] 6716", "Hα", "Hβ"), lines)]
    write_page("line_maps", "Maps of lines against known truth", about, parts)


if __name__ == "__main__":
    main()
