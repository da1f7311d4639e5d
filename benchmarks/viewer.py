"""The viewer on large files and on a run of 1000 x 1000 pixels, in a real browser: time, memory, clicks.

    python benchmarks/viewer.py [CASE ...]

A 12 GiB cube in each of three layouts: tiles (Zarr, every tile a link to one of 16 that are real, packed noise), lines (ENVI,
band by line, a sparse file) and planes (FITS, a sparse file). The command runs in a process of its own;
Chromium opens its address.
Bars: opened in 3 s (1000 x 1000: 2 s), 500 MiB, a click answered in 200 ms. Wall time on a shared machine waits for others:
seconds of the processor that the viewer used stand beside it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from common import head, log, table, write_json, write_page

SIDE, CHANNELS = 4096, 192
COMMAND = "import sys; from spaxel.cli import main; main(sys.argv[1:])"
MAP = "Bokeh.documents[0].get_model_by_name('map')"
DRAWN = f"() => window.Bokeh?.documents.length > 0 && Bokeh.index.find_one({MAP})?.frame && Bokeh.documents[0].is_idle"
AT = f"""([x, y]) => {{ const view = Bokeh.index.find_one({MAP}); const box = view.el.getBoundingClientRect();
  return [box.x + view.frame.x_scale.compute(x), box.y + view.frame.y_scale.compute(y)]; }}"""

_LISTEN = """() => {
  const model = Bokeh.documents[0].get_model_by_name('selected spectrum');
  window.clicked = performance.now();
  document.addEventListener('pointerup', () => { window.clicked = performance.now(); }, {capture: true, once: true});
  window.answered = new Promise(done => {
    const told = () => { model.properties.data.change.disconnect(told); done((performance.now() - window.clicked) / 1000); };
    model.properties.data.change.connect(told);
    setTimeout(() => done(NaN), 20000);
  });
}"""


def tiles(folder: Path) -> Path:
    """The native layout: 4096 tiles of 64 x 64 pixels."""
    import zarr

    place, axis = folder / "tiles.zarr", np.linspace(400, 1000, CHANNELS)
    attributes = {"format": "spaxel-cube", "version": 1, "coordinates": "channel",
                  "cube_attrs": {"source": "", "history": [], "steps": [], "guesses": [], "origin": "upper"}}  # fmt: skip
    group = zarr.create_group(place, zarr_format=3, attributes=attributes)
    cube = group.create_array("spectra", shape=(SIDE, SIDE, CHANNELS), chunks=(64, 64, CHANNELS), dtype="float32",
                              dimension_names=("y", "x", "channel"))  # fmt: skip
    channel = group.create_array("channel", shape=(CHANNELS,), dtype="float64", dimension_names=("channel",))
    channel[:] = axis
    channel.attrs.update(units="nm", long_name="wavelength")
    rng = np.random.default_rng(0)
    for k in range(16):
        mean = 20 + 200 * np.exp(-(((axis - 500 - 20 * k) / 80) ** 2))
        cube[:64, 64 * k : 64 * k + 64] = rng.poisson(np.broadcast_to(mean, (64, 64, CHANNELS)))
    for i, j in ((i, j) for i in range(64) for j in range(64)):
        chunk = place / "spectra" / "c" / str(i) / str(j) / "0"
        if not chunk.exists():
            chunk.parent.mkdir(parents=True, exist_ok=True)
            os.link(place / "spectra" / "c" / "0" / str((i // 4 + j // 4) % 16) / "0", chunk)
    return place


def _sparse(path: Path, start: bytes, little: bool) -> Path:
    noise = np.random.default_rng(0).normal(100, 20, 4 * 2**20).astype("<f4" if little else ">f4")
    with path.open("wb") as file:
        file.write(start + noise.tobytes())
        file.truncate(len(start) + 4 * SIDE * SIDE * CHANNELS)
    return path


def lines(folder: Path) -> Path:
    """ENVI, band by line."""
    _sparse(folder / "lines.img", b"", True)
    sizes = f"lines = {SIDE}\nsamples = {SIDE}\nbands = {CHANNELS}\n"
    (folder / "lines.hdr").write_text(f"ENVI\n{sizes}data type = 4\ninterleave = bil\nbyte order = 0\n")
    return folder / "lines.hdr"


def planes(folder: Path) -> Path:
    """FITS, one plane after the other."""
    sizes = [f"NAXIS{k + 1}  = {n:>20}" for k, n in enumerate((SIDE, SIDE, CHANNELS))]
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                  -32",
        "NAXIS   =                    3",
        *sizes,
        "END",
    ]
    path = _sparse(folder / "planes.fits", "".join(card.ljust(80) for card in cards).ljust(2880).encode(), False)
    os.truncate(path, -(-path.stat().st_size // 2880) * 2880)
    return path


def run(folder: Path) -> Path:
    """A run of 1000 x 1000 pixels and 24 components, with its cube."""
    import spaxel
    from spaxel.results.convention import make_result
    from spaxel.store.run_folder import write_json as write_run
    from spaxel.store.run_folder import write_result

    rng, n = np.random.default_rng(0), 24
    rows = (np.arange(1000) // 50)[:, None] * 7 + (np.arange(1000) // 40)[None]
    labels = (rows % n).astype(np.int32)
    means = rng.uniform(0, 100, (n, 64)).astype(np.float32)
    cube = spaxel.make_cube(means[labels].astype(np.uint8), np.linspace(400, 1000, 64), "nm")
    spaxel.write_cube(cube, folder / "cube.zarr")
    picture = means[labels][..., [50, 30, 10]].astype(np.uint8)
    confidence = np.ones((1000, 1000), np.float32)
    result = make_result(cube, labels=labels, confidence=confidence, component_spectra=means, component_spread=means / 10,
                         component_size=np.bincount(labels.ravel()), component_color=np.arange(n), picture=picture)  # fmt: skip
    (folder / "run").mkdir()
    write_result(folder / "run", result)
    source = {"path": str(folder / "cube.zarr"), "reader": "native"}
    write_run(folder / "run", {"name": "large", "method": "kmeans", "input": source})
    return folder / "run"


CASES = {
    "12 GiB, tiles (Zarr)": tiles,
    "12 GiB, lines (ENVI)": lines,
    "12 GiB, planes (FITS)": planes,
    "run, 1000 x 1000": run,
}


def used(process: subprocess.Popen) -> tuple[float, float]:
    """(seconds of the processor, peak MiB) of a process so far."""
    stat = Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    peak = next(
        line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1024


def measure(browser, path: Path, cache: Path) -> dict[str, float]:
    """Start the viewer on a file, open its page, click ten pixels far apart."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    env["XDG_CACHE_HOME"] = str(cache)
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", COMMAND, "view", str(path), "--no-browser"], env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        url = process.stdout.readline().split()[-1]
        listening, cpu = time.perf_counter() - begin, used(process)[0]
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        log(f"{path}: {url}")
        page.wait_for_function(DRAWN)
        found = {
            "start, s": listening,
            "open, s": time.perf_counter() - begin,
            "CPU s": used(process)[0],
            "start, CPU s": cpu,
        }
        page.wait_for_timeout(1000)
        rows = page.evaluate("() => Bokeh.documents[0].get_model_by_name('map').y_range.start")
        side = 900 if rows < 2000 else 4000
        times = []
        for x, y in zip(np.linspace(50, side, 10), np.linspace(side, 60, 10), strict=True):
            place = page.evaluate(AT, [float(x), float(y)])
            times.append(_clicked(page, place))
        found |= {"click, ms": 1000 * median(times), "slowest, ms": 1000 * max(times), "peak, MiB": used(process)[1]}
        page.wait_for_timeout(4000)
        page.close()
        return found | {"peak after 10 s, MiB": used(process)[1]}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _clicked(page, place: list[float]) -> float:
    """Seconds from the release of the button to the spectrum in the browser."""
    page.evaluate(_LISTEN)
    page.mouse.click(*place)
    return float(page.evaluate("() => window.answered"))


def main() -> None:
    """Measure, print and keep the table."""
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name in sys.argv[1:] or CASES:
            with TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
                path = CASES[name](Path(folder))
                found[name] = measure(browser, path, Path(folder) / "cache")
                log(f"{name}: {found[name]}")
        browser.close()
    if not sys.argv[1:]:
        columns = list(next(iter(found.values())))
        rows = [[name, *(f"{values[c]:.3g}" for c in columns)] for name, values in found.items()]
        busy = f"Meanwhile {os.getloadavg()[1]:.0f} processes waited for {os.cpu_count()} cores."
        words = "Bars: opened in 3 s (1000 x 1000: 2 s), 500 MiB, a click answered in 200 ms. CPU s: until opened."
        about = head()
        write_json("viewer", about, cases=found)
        write_page("viewer", "The viewer on large files", about, [words, busy, table(["file", *columns], rows)])


if __name__ == "__main__":
    main()
