"""The pictures of docs/methods: one for each method, made by running it on a simulated world with a fixed seed.

    python benchmarks/pictures.py [--only dgc mcr] [--folder /tmp/pictures]

writes docs/pictures/*.png, each below 150 kB. Needs all extras, and chromium (`apt-get install chromium`), which draws the
report and the plots. Look at each picture before you commit it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import xarray as xr
from bokeh.embed import file_html
from bokeh.layouts import gridplot
from bokeh.models import Plot
from bokeh.plotting import figure
from bokeh.resources import INLINE
from PIL import Image, ImageDraw, ImageFont
from scipy.optimize import linear_sum_assignment

import spaxel
from corrections import raman
from spaxel.cli import main as run

HERE = Path(__file__).parents[1] / "docs" / "pictures"
COLORS = ("#0072b2", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#f0e442", "#555555")
GAP, LINE = 16, 26  # pixels between parts of a picture, and for a caption
MOST_BYTES = 150_000


def main() -> None:
    """Make the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    parser.add_argument("--folder", type=Path, help="where data and runs are written; a new one in /tmp if not given")
    given = parser.parse_args()
    folder = given.folder or Path(mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    HERE.mkdir(exist_ok=True)
    for name in given.only:
        picture = PICTURES[name](folder).quantize(96, dither=Image.Dither.NONE)
        picture.save(HERE / f"{name}.png", optimize=True)
        size = (HERE / f"{name}.png").stat().st_size
        print(f"{name}: {picture.width} x {picture.height}, {size} bytes")
        if size > MOST_BYTES:
            raise SystemExit(f"{name}.png has {size} bytes, more than {MOST_BYTES}")


def report(folder: Path) -> Image.Image:
    """The first screen of the report of `spaxel demo`, for the README."""
    run(["demo", str(folder / "demo"), "--overwrite"])
    page = screenshot(folder / "demo" / "run" / "report.html", 1280, 580)
    return page.resize((1024, 464), Image.Resampling.LANCZOS)


def kmeans(folder: Path) -> Image.Image:
    """The same without its words: false colours beside the map."""
    return report(folder).crop((0, 97, 1024, 424))


def dsc(folder: Path) -> Image.Image:
    """Truth, k-means and deep spectral clustering of a world of dsc_quality.py: "layered 50", seed 120."""
    world = {"counts": 50, "n_pigments": 8, "layers": 2, "relief": 0.5, "pileup": 0.05, "channels": 128}
    cube = spaxel.simulate("maxrf", height=48, width=48, seed=120, **world).load()
    truth = cube["truth_labels"].values
    plain = spaxel.KMeans(n_clusters=8, random_state=120).fit(cube).predict(cube)
    deep = spaxel.DeepSpectralClustering(n_clusters=8, context=3, random_state=120).fit(cube).predict(cube)
    for name, result in (("k-means", plain), ("deep", deep)):
        print(f"{name}: ARI {spaxel.score(result['labels'].values, truth)['ari']:.3f}")
    maps = [truth, *(matched(result["labels"].values, truth) for result in (plain, deep))]
    return side_by_side([painted(m, 6) for m in maps], ["truth", "k-means", "deep spectral clustering"])


def dgc(folder: Path) -> Image.Image:
    """A leaf on four days in colours as the eye sees them, and the maps of one model for all."""
    days = (0, 3, 5, 8)
    cubes = [
        spaxel.simulate("leaf", height=128, width=128, seed=120, day=float(day), version="hard").load() for day in days
    ]
    model = spaxel.DeepGlobalClustering(n_clusters=3, random_state=0).fit(cubes)
    maps = [model.predict(cube)["labels"].values for cube in cubes]
    found = matched(np.stack(maps), np.stack([np.minimum(c["truth_labels"].values, 2) for c in cubes]))
    seen = side_by_side([eye(cube) for cube in cubes], [f"day {day}" for day in days])
    below = side_by_side([painted(one, 2, ("#8a8a8a", "#009e73", "#d55e00")) for one in found], None)
    return stacked([seen, below])


def mcr(folder: Path) -> Image.Image:
    """Mixtures, and the pure spectra that were found in them beside the true ones."""
    options = {"n_components": 4, "spectra": "peaks", "peak_width": 0.02, "n_channels": 400, "most_mixed": 2}
    cube = spaxel.simulate("mixture", height=40, seed=121, **options)
    model = spaxel.MCR(random_state=0).fit(cube)
    print(model.n_components_, model.info_["sentence"])
    axis, true = cube["channel"].values, cube["truth_spectra"].values
    above = plot(900, 200, "signal of 40 mixtures", x_range=(axis.max(), axis.min()))
    for spectrum in cube["spectra"].values[:, 0]:
        above.line(axis, spectrum, color="#999999", alpha=0.6)
    below = plot(900, 240, "pure spectra", "wavenumber (1/cm)", x_range=above.x_range)
    order = partners(model.components_ @ true.T)
    for found, color, i in zip(model.components_, COLORS, order, strict=False):
        below.line(axis, found / np.linalg.norm(found), color=color, line_width=2.5)
        below.line(axis, true[i], color="black", line_dash="dashed")
    return drawn(folder, [above, below], 1)


def ebgmcr(folder: Path) -> Image.Image:
    """True and found abundances where the detector saturates: MCR, and EnergyMCR with that law."""
    options = {"n_components": 4, "spectra": "peaks", "peak_width": 0.02, "n_channels": 400, "snr_db": 30.0}
    cube = spaxel.simulate("mixture", height=60, seed=120, mixing="saturation", strength=1.0, **options)
    amounts = cube["truth_abundances"].values.reshape(60, -1)
    plots = []
    for title, model in (("MCR", spaxel.MCR()), ("EnergyMCR", spaxel.EnergyMCR(mixing="saturation"))):
        model.fit(cube)
        found = model.transform(cube)["abundances"].values.reshape(60, -1) * np.linalg.norm(model.components_, axis=1)
        order = partners(cube["truth_spectra"].values @ model.components_.T)
        one = plot(
            430, 380, "abundance found", "true abundance", title=f"{title}: {model.n_components_} components for 4"
        )
        one.line([0, 10], [0, 10], color="#999999")
        for i, color in zip(range(4), COLORS, strict=False):
            scale = (amounts[:, i] @ found[:, order[i]]) / (found[:, order[i]] @ found[:, order[i]])
            one.scatter(amounts[:, i], scale * found[:, order[i]], color=color, size=6)
        plots.append(one)
    return drawn(folder, plots, 2)


def corrections(folder: Path) -> Image.Image:
    """A Raman map with cosmic rays on fluorescence: spectra before and after the steps, and the maps of k-means."""
    cube, truth = raman(203, spiky=0.02, background=5.0)
    flat = spaxel.baseline(spaxel.despike(cube, threshold="auto"))
    maps = [truth]
    for one in (cube, flat):
        maps.append(matched(spaxel.KMeans(n_clusters=4).fit(one).predict(one)["labels"].values, truth))
        print(f"ARI {spaxel.score(maps[-1], truth)['ari']:.3f}")
    above = side_by_side([painted(m, 5) for m in maps], ["truth", "k-means", "k-means after both steps"])
    spiky = np.argwhere((cube["spectra"] != spaxel.despike(cube, threshold="auto")["spectra"]).any("channel").values)
    chosen = [spiky[len(spiky) // 2], *(np.argwhere(truth == k)[40] for k in range(3))]
    plots = []
    for one, title in ((cube, "counts"), (flat, "after despike, baseline")):
        page = plot(above.width // 2, 260, title, "Raman shift (1/cm)")
        for (y, x), color in zip(chosen, COLORS, strict=False):
            page.line(one["channel"].values, one["spectra"].values[y, x], color=color)
        plots.append(page)
    below = drawn(folder, plots, 2)
    wide = Image.new("RGB", (above.width, below.height), "white")
    wide.paste(below, (0, 0))
    return stacked([above, wide])


def which(folder: Path) -> Image.Image:
    """For the page on methods: the truth and what three methods make of a layered painting and of a faint galaxy."""
    layered = {"counts": 200, "n_pigments": 8, "layers": 2, "relief": 0.5, "pileup": 0.05, "channels": 256}
    worlds = {
        "painting": spaxel.simulate("maxrf", height=64, width=64, seed=120, **layered).load(),
        "galaxy": spaxel.simulate("ifu", height=64, width=64, seed=120, channels=480, snr=8, rotation=250.0).load(),
    }
    methods = {"k-means": spaxel.KMeans, "consensus (default)": spaxel.Segment, "learned": spaxel.LearnedMetric}
    rows: list[Image.Image] = []
    for world, cube in worlds.items():
        truth = cube["truth_labels"].values
        number = int(truth.max()) + 1
        maps = [truth]
        for name, method in methods.items():
            labels = method(n_clusters=number, random_state=120).fit(cube).predict(cube)["labels"].values
            print(f"{world}, {name}: ARI {spaxel.score(labels, truth)['ari']:.3f}")
            maps.append(matched(labels, truth))
        rows.append(side_by_side([painted(one, 3) for one in maps], None if rows else ["truth", *methods]))
    return stacked(rows)


PICTURES = {
    "corrections": corrections,
    "which": which,
    "report": report,
    "kmeans": kmeans,
    "dsc": dsc,
    "dgc": dgc,
    "mcr": mcr,
    "ebgmcr": ebgmcr,
}


def partners(likeness: np.ndarray) -> np.ndarray:
    """For each row its column, so that the sum of likeness (n, m) is largest."""
    rows, columns = linear_sum_assignment(-likeness)
    found = np.zeros(len(likeness), int)
    found[rows] = columns
    return found


def matched(labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Labels renamed to the true class that most of their pixels share, one to one."""
    size = max(labels.max(), truth.max()) + 1
    shared = np.zeros((size, size))
    np.add.at(shared, (labels.ravel(), truth.ravel()), 1)
    return partners(shared)[labels]


def painted(labels: np.ndarray, times: int, colors: Sequence[str] = COLORS) -> Image.Image:
    """A label map, each pixel a square of `times` pixels."""
    table = np.array([tuple(bytes.fromhex(color[1:])) for color in colors], np.uint8)
    return Image.fromarray(np.kron(table[labels], np.ones((times, times, 1), np.uint8)))


def eye(cube: xr.Dataset, times: int = 2) -> Image.Image:
    """A reflectance cube in red, green and blue, each the mean over 40 nm."""
    bands = [cube["spectra"].sel(channel=slice(nm - 20, nm + 20)).mean("channel").values for nm in (650, 550, 450)]
    light = np.clip(np.stack(bands, -1) / 0.22, 0, 1) ** 0.6
    return Image.fromarray(np.kron((255 * light).astype(np.uint8), np.ones((times, times, 1), np.uint8)))


def side_by_side(images: list[Image.Image], captions: list[str] | None) -> Image.Image:
    """Images of one size in a row, a caption above each."""
    width, height = images[0].size
    top = LINE if captions else 0
    page = Image.new("RGB", (len(images) * (width + GAP) - GAP, top + height), "white")
    for place, image in enumerate(images):
        page.paste(image, (place * (width + GAP), top))
        if captions:
            pen, font = ImageDraw.Draw(page), ImageFont.load_default(17)
            pen.text((place * (width + GAP), 1), captions[place], fill="#333333", font=font)
    return page


def stacked(images: list[Image.Image]) -> Image.Image:
    """Images of one width, one below the other."""
    page = Image.new("RGB", (images[0].width, sum(i.height for i in images) + GAP * (len(images) - 1)), "white")
    top = 0
    for image in images:
        page.paste(image, (0, top))
        top += image.height + GAP
    return page


def plot(width: int, height: int, y: str, x: str | None = None, **options: object) -> figure:
    """A plain figure with named axes."""
    page = figure(width=width, height=height, toolbar_location=None, y_axis_label=y, x_axis_label=x, **options)
    page.xgrid.visible = page.ygrid.visible = False
    page.outline_line_color = None
    page.min_border_left = page.min_border_right = 64
    page.axis.minor_tick_line_color = None
    page.axis.axis_label_text_font_style = "normal"
    return page


def drawn(folder: Path, plots: list[Plot], columns: int) -> Image.Image:
    """Bokeh figures as a picture."""
    path = folder / "plot.html"
    path.write_text(file_html(gridplot(plots, ncols=columns, toolbar_location=None), INLINE, "plot"))
    width = columns * plots[0].width
    height = sum(one.height for one in plots[::columns])
    return screenshot(path, width + 16, height + 16).crop((8, 0, width + 8, height + 16))


def screenshot(page: Path, width: int, height: int) -> Image.Image:
    """The upper part of a web page, as chromium draws it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("needs chromium: apt-get install chromium")
    out = page.with_suffix(".png").resolve()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000"]
    size = [f"--window-size={width},{height}", f"--screenshot={out}"]
    subprocess.run([browser, *options, *size, page.resolve().as_uri()], check=True, capture_output=True)
    return Image.open(out).convert("RGB")


if __name__ == "__main__":
    main()
