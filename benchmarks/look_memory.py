"""Peak memory and time of the page, a figure and the viewer of runs of 4 and 36 million pixels, each in a process of its own.

    python benchmarks/look_memory.py [SIDE ...]

The runs are made without a fit: 12 labels with a tree of 48 finest parts and 12 levels, and 12 abundances. One of 64 x 64
pixels says what the libraries take. The viewer is opened by Chromium; what it shows is kept as a picture with --keep FOLDER.
Bar: 250 MiB above the run of 64 x 64 pixels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from multiprocessing import Process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.array as da
import numpy as np
from scipy.cluster.hierarchy import linkage

from common import head, log, table, write_json, write_page
from info_memory import MIB
from results_memory import measured
from spaxel.cube import make_cube
from spaxel.cube.stored import CHUNK
from spaxel.results.convention import make_result
from spaxel.store.run_folder import new_run, write_result
from spaxel.store.run_folder import write_json as write_run
from viewer import COMMAND, DRAWN, used

SIDES, K, PARTS, CHANNELS = (2048, 6144), 12, 48, 256
LEVELS = np.arange(2, 14)
ABOVE = 250  # MiB
IMPORTS = 64  # pixels a side of the run that says what the libraries take


def drawn(side: int, make: Any, dtype: Any, *more: int) -> da.Array:
    """A map that is made block by block: make(y, x) -> values."""
    chunk = min(CHUNK, side)

    def block(block_info: Any = None) -> np.ndarray:
        (y0, y1), (x0, x1) = block_info[None]["array-location"][:2]
        return make(np.arange(y0, y1)[:, None] / side, np.arange(x0, x1)[None] / side).astype(dtype)

    sizes = [tuple(min(chunk, side - start) for start in range(0, side, chunk))] * 2
    return da.map_blocks(block, chunks=(*sizes, *((n,) for n in more)), dtype=dtype, meta=np.empty(0, dtype))


def field(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """0 to 1, in patches of many sizes."""
    wave = np.sin(31 * y + 5 * np.sin(9 * x)) + np.sin(23 * x + 4 * np.sin(13 * y)) + np.sin(400 * (x + y)) / 4
    return np.clip((wave + 2.25) / 4.5, 0, 1 - 1e-9)


def parts(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The finest part of each pixel; none in the middle."""
    found = (field(y, x) * PARTS).astype(np.int32)
    return np.where((y - 0.5) ** 2 + (x - 0.5) ** 2 < 0.01, -1, found)


def sure(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Confidence, lowest at the borders of parts."""
    return np.where(parts(y, x) < 0, np.nan, np.abs(field(y, x) * PARTS % 1 - 0.5) * 2)


def colours(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A picture."""
    return np.stack([255 * field(y, x), 255 * field(x.T, y.T).T, 255 * (y + x) / 2], -1)


def base(rng: np.random.Generator, side: int) -> dict[str, Any]:
    """Spectra, sizes and colours of the components."""
    spectra = {"component_spectra": rng.random((K, CHANNELS)), "component_spread": rng.random((K, CHANNELS)) / 9}
    return spectra | {"component_size": np.full(K, side * side // K), "component_color": np.arange(K)}


def unmixed(rng: np.random.Generator, cube: Any, side: int) -> Any:
    """A result of unmixing."""

    def amounts(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        whole = np.stack([np.exp(-((K * field(y, x) - k - 0.5) ** 2)) for k in range(K)], -1)
        return np.where((parts(y, x) < 0)[..., None], np.nan, whole / whole.sum(-1, keepdims=True))

    def labels(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        found = parts(y, x)
        return np.where(found < 0, -1, found // (PARTS // K))

    maps = {
        "abundances": drawn(side, amounts, np.float32, K),
        "labels": drawn(side, labels, np.int32),
        "residual": drawn(side, lambda y, x: sure(y, x) / 20, np.float32),
        "picture": drawn(side, colours, np.uint8, 3),
    }
    return make_result(cube, **maps, confidence=drawn(side, sure, np.float32), **base(rng, side))


def labelled(rng: np.random.Generator, cube: Any, side: int) -> Any:
    """A result of segmentation with its tree and the confidence at each level."""
    means = np.sort(rng.random((PARTS, 1)), 0) + rng.random((PARTS, CHANNELS)) / 50
    held = {"micro_spectra": means, "micro_spread": means / 9, "micro_size": np.full(PARTS, side * side // PARTS)}
    held |= {"micro_weight": held["micro_size"], "micro_component": np.arange(PARTS, dtype=np.int32) // (PARTS // K)}
    byte = drawn(side, lambda y, x: 255 * np.nan_to_num(sure(y, x)), np.uint8)
    micro = drawn(side, parts, np.int32)
    maps = {
        "labels": micro.map_blocks(lambda m: np.where(m < 0, -1, m // (PARTS // K)).astype(np.int32), dtype=np.int32),
        "micro_labels": micro,
        "confidence": drawn(side, sure, np.float32),
        "picture": drawn(side, colours, np.uint8, 3),
        "level_confidence": da.stack([byte] * len(LEVELS)),
    }
    tree = linkage(means[:, :1], "average")
    return make_result(cube, coords={"level": LEVELS}, merge_tree=tree, **maps, **held, **base(rng, side))


def write(folder: Path, side: int) -> None:
    """Both runs on disk. In a process of its own: a child's peak begins at what its parent holds."""
    rng = np.random.default_rng(0)
    cube = make_cube(np.broadcast_to(np.float32(1), (side, side, CHANNELS)), np.linspace(400, 2500, CHANNELS), "nm")
    for name, made in (("labelled", labelled), ("unmixed", unmixed)):
        with new_run(folder / f"{name}-{side}") as run:
            write_result(run, made(rng, cube, side))
            write_run(run, {"name": f"{name}, {side} x {side}", "method": "made up"})


def opened(run: Path, keep: Path | None) -> tuple[float, float]:
    """(peak MiB, CPU seconds) of `spaxel view`, up to the first picture that is whole."""
    from playwright.sync_api import sync_playwright

    words = [sys.executable, "-c", COMMAND, "view", str(run), "--no-browser"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        url = next(line for line in process.stdout or () if line.startswith("viewer: ")).split()[1]
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(url)
            page.wait_for_function(DRAWN, timeout=120_000)
            before = -1.0
            while (spent := used(process))[0] > before + 0.2:  # until nothing is read any more
                before = spent[0]
                time.sleep(3)
            if keep is not None:
                page.screenshot(path=keep / f"view-{run.name}.png")
            browser.close()
        return spent[1], spent[0]
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure, print and keep the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("sides", nargs="*", type=int)
    asked.add_argument("--keep", type=Path)
    asked.add_argument("--write", action="store_true", help="the results file too, where sides are given")
    given = asked.parse_args()
    rows, alone = [], {}
    with TemporaryDirectory(dir=given.keep) as folder:
        for side in (IMPORTS, *(given.sides or SIDES)):
            maker = Process(target=write, args=(Path(folder), side))
            begin = time.monotonic()
            maker.start()
            maker.join()
            log(f"{side} x {side} is written, {time.monotonic() - begin:.0f} s")
            for kind in ("labelled", "unmixed"):
                run, out = Path(folder) / f"{kind}-{side}", Path(folder) / f"{kind}-{side}.png"
                size = sum(file.stat().st_size for file in (run / "overviews.zarr").rglob("*") if file.is_file()) / MIB
                whole = sum(file.stat().st_size for file in (run / "result.zarr").rglob("*") if file.is_file()) / MIB
                for what in ("report", "figure", "view"):
                    more = ("--width", "page", "--what", "overview", "-o", str(out)) if what == "figure" else ()
                    peak, seconds = (
                        opened(run, given.keep) if what == "view" else measured(out.parent, what, str(run), *more)
                    )
                    alone.setdefault((what, kind), peak)
                    above = peak - alone[what, kind]
                    kept = "" if side == IMPORTS else "kept" if above < ABOVE else "MISSED"
                    log(f"{kind}, {side}, {what}: {peak:.0f} MiB, {above:+.0f}, {seconds:.1f} s, {kept}")
                    rows.append(
                        [f"{side} x {side}", kind, what, f"{peak:.0f}", f"{above:+.0f}", f"{seconds:.1f}", kept]
                    )
                if given.keep is not None:
                    (given.keep / f"page-{kind}-{side}.html").write_bytes((run / "report.html").read_bytes())
                    (given.keep / f"figure-{kind}-{side}.png").write_bytes(out.read_bytes())
                log(f"  result {whole:.0f} MiB, overviews {size:.0f} MiB")
    if given.sides and not given.write:
        return
    about = head()
    words = (
        "`spaxel report`, `spaxel figure --width page --what overview` and `spaxel view` (until its first picture is whole) "
        f"of runs with {K} components. Above: what the run of {IMPORTS} x {IMPORTS} pixels takes, that is, the libraries. "
        f"Bar: {ABOVE} MiB above."
    )
    columns = ["pixels", "run", "command", "peak, MiB", "above, MiB", "CPU seconds", "bar"]
    write_json("look_memory", about, rows=rows)
    write_page("look_memory", "Memory of pages, figures and the viewer", about, [words, table(columns, rows)])


if __name__ == "__main__":
    main()
