"""Peak memory and time of every export of a run of four million pixels: the command in a process of its own.

    python benchmarks/export_memory.py [FORMAT ...]

Two runs are made without a fit: one of 12 abundances, one of 12 labels with a tree of 48 finest parts, exported at level 6.
Bar: below 1 GiB.
"""

from __future__ import annotations

import sys
from multiprocessing import Process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import linkage

from common import head, log, table, write_json, write_page
from info_memory import MIB, measured
from spaxel.cube import make_cube
from spaxel.results.convention import make_result
from spaxel.store.run_folder import new_run, write_result
from spaxel.store.run_folder import write_json as write_run

SHAPE, K, MICRO, CHANNELS = (2048, 2000), 12, 48, 1024
LEVELS = np.arange(2, 21)
MOST_MIB = 1024
FORMATS = ("fits", "geotiff", "envi", "hspy", "netcdf", "tiff", "csv", "png", "svg", "pdf")


def base(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Spectra, sizes and colours of n components."""
    spectra = {"component_spectra": rng.random((n, CHANNELS)), "component_spread": rng.random((n, CHANNELS))}
    return spectra | {"component_size": np.full(n, SHAPE[0] * SHAPE[1] // n), "component_color": np.arange(n)}


def unmixed(rng: np.random.Generator, cube: Any) -> Any:
    """A result of unmixing."""
    amounts = rng.random((*SHAPE, K), dtype=np.float32)
    maps = {"abundances": amounts, "labels": amounts.argmax(-1).astype(np.int32)}
    return make_result(cube, **maps, residual=amounts[..., 0], confidence=amounts[..., 1], **base(rng, K))


def labelled(rng: np.random.Generator, cube: Any) -> Any:
    """A result of segmentation with its tree and the confidence at each level."""
    micro = (np.add.outer(np.arange(SHAPE[0]) // 37, np.arange(SHAPE[1]) // 41) % MICRO).astype(np.int32)
    parts = {"micro_spectra": rng.random((MICRO, CHANNELS)), "micro_spread": rng.random((MICRO, CHANNELS))}
    sizes = np.bincount(micro.ravel(), minlength=MICRO)
    parts |= {"micro_size": sizes, "micro_weight": sizes, "micro_component": np.arange(MICRO, dtype=np.int32) % K}
    sure = rng.integers(0, 255, (1, *SHAPE), dtype=np.uint8)
    maps = {
        "labels": micro % K,
        "micro_labels": micro,
        "unlike": sure[0],
        "confidence": sure[0].astype(np.float32) / 255,
    }
    tree = linkage(parts["micro_spectra"][:, :8], "average")
    more = {"merge_tree": tree, "level_confidence": np.repeat(sure, len(LEVELS), 0)}
    return make_result(cube, coords={"level": LEVELS}, **maps, **more, **parts, **base(rng, K))


def write(folder: Path) -> None:
    """Both runs on disk. In a process of its own: a child's peak begins at what its parent holds."""
    rng = np.random.default_rng(0)
    cube = make_cube(np.broadcast_to(np.float32(1), (*SHAPE, CHANNELS)), np.linspace(400, 2500, CHANNELS), "nm")
    place = {"crs": "EPSG:32633", "transform": [5e5, 30.0, 0.0, 4.5e6, 0.0, -30.0], "pixel_size": [30.0, 30.0]}
    cube = cube.assign_attrs(**place, pixel_units="m")
    for name, made in (("unmixed", unmixed), ("labelled", labelled)):
        with new_run(folder / name) as run:
            write_result(run, made(rng, cube))
            write_run(run, {"name": name, "method": "made up"})


def main() -> None:
    """Measure, print and keep the table."""
    rows = []
    with TemporaryDirectory() as folder:
        maker = Process(target=write, args=(Path(folder),))
        maker.start()
        maker.join()
        for kind in ("unmixed", "labelled"):
            run = Path(folder) / kind
            level = ("--level", "6") if kind == "labelled" else ()
            for name in sys.argv[1:] or FORMATS:
                out = Path(folder) / f"{kind}-{name}"
                peak, seconds = measured("export", str(run), "--to", name, "--out", str(out), *level)
                size = sum(file.stat().st_size for file in out.rglob("*")) / MIB
                kept = "kept" if peak < MOST_MIB else "MISSED"
                log(f"{kind}, {name}: {peak:.0f} MiB, {seconds:.1f} s, {kept}")
                rows.append(
                    [name, f"{kind}, level 6" if level else kind, f"{peak:.0f}", f"{seconds:.1f}", f"{size:.0f}", kept]
                )
    if sys.argv[1:]:
        return
    about = head()
    words = (
        f"`spaxel export` of {SHAPE[0]} x {SHAPE[1]} pixels, {K} components, {CHANNELS} channels. Bar: {MOST_MIB} MiB."
    )
    columns = ["format", "run", "peak, MiB", "CPU seconds", "written, MiB", "bar"]
    write_json("export_memory", about, rows=rows)
    write_page("export_memory", "Memory of exports", about, [words, table(columns, rows)])


if __name__ == "__main__":
    main()
