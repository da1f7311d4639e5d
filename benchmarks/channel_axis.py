"""How often a look at the numbers finds the spectral axis: real cubes and simulated worlds, stored in all three orders.

    python benchmarks/channel_axis.py            # the table of docs/notes/channel_axis.md

"by habit" is the rule where the numbers are not looked at: the odd one of two equal sides, else the last axis.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import spaxel
from spaxel.readers.parts.lazy import guess_channel_axis
from spaxel.readers.parts.look import look_for_channels

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
FILES = (
    "samson/Samson.mat", "salinas_a/SalinasA_corrected.mat", "hydice/HYDICE_data.mat",
    "gatorsense/a_hsi_img_for_VI_demo.mat", "moffett/moffett.mat", "wheat_grains/var1_grain0.hdr",
    "eds_bruker/bcf_v2_50x50px.bcf", "eds_bruker/test_TEM.bcf", "raman_renishaw/renishaw_test_streamline.wdf",
    "muse_dryrun/CUBE.fits", "hplcdad_tea/tea.npz", "formats/test_hyperspectral.h5", "formats/small_diamond_nxs.nxs",
    "formats/example_cube.fits", "enmap_potsdam/*tile_128_0.tif", "enmap_potsdam/*tile_128_128.tif",
)  # fmt: skip
WORLDS = (
    ("maxrf", {"height": 64, "width": 48, "channels": 380}), ("maxrf", {"height": 40, "width": 90, "channels": 1024}),
    ("maxrf", {"height": 300, "width": 200, "channels": 64}), ("ifu", {"height": 72, "width": 60}),
    ("leaf", {"height": 120, "width": 90}),
)  # fmt: skip
ORDERS = {"y, x, band": (0, 1, 2), "y, band, x": (0, 2, 1), "band, y, x": (2, 0, 1)}


def cubes() -> Iterator[tuple[str, np.ndarray]]:
    """(name, spectra (y, x, channel)) of every cube that is here."""
    for pattern in FILES:
        for path in sorted(DATA.glob(pattern)):
            if not path.name.startswith("labels"):
                yield path.stem[-24:], spaxel.open_cube(path)["spectra"].values
    for world, options in WORLDS:
        spectra = spaxel.simulate(world, seed=1, **options)["spectra"].values
        yield f"world {world} {spectra.shape[2]}", spectra


def main() -> None:
    """Print the table and keep the counts."""
    warnings.simplefilter("ignore")
    counts = {order: {"look": 0, "habit": 0} for order in ORDERS}
    total = 0
    print("| cube | pixels, channels | " + " | ".join(ORDERS) + " |\n|---|---|---|---|---|")
    for name, spectra in cubes():
        total, cells = total + 1, []
        for order, axes in ORDERS.items():
            stored, right = spectra.transpose(axes), axes.index(2)
            habit = guess_channel_axis(stored.shape)[0]
            found, why = look_for_channels(stored, habit)
            counts[order]["look"] += found == right
            counts[order]["habit"] += habit == right
            sure = "open" if "open" in why else "seen"
            cells.append(f"{'right' if found == right else 'wrong'} ({sure})")
        height, width, channels = spectra.shape
        print(f"| {name} | {height} x {width}, {channels} | " + " | ".join(cells) + " |")
    for rule in ("look", "habit"):
        print(f"| **{rule}, of {total}** | | " + " | ".join(str(counts[order][rule]) for order in ORDERS) + " |")
    (HERE / "results" / "channel_axis.json").write_text(json.dumps({"cubes": total, "right": counts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
