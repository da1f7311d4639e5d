"""The figures on the pages of methods are those of benchmarks/results as it stands: who measures again mends the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
PAGES = [*sorted((ROOT / "docs/methods").glob("*.md")), ROOT / "docs/which-method.md"]
FIGURE = re.compile(r"(?<![\d.])(?<!< )-?\d\.\d{3,4}(?![\d.])")
DEEP = "dsc"  # whose table holds means over three cases, which dsc_quality.md does not
CASES = ("maxrf", "layered", "galaxy", "SalinasA", "Samson")  # columns of that table
METHODS = (  # its rows
    "DSC",
    "DSC, nothing trained",
    "scaled PCA + k-means",
    "k-means, raw",
    "NMF + k-means",
    "GMM full, scaled PCA",
    "over-cluster + connectivity",
)


def named(page: str) -> list[Path]:
    """The files of results that a page names, as `benchmarks/results/quality.md` or, after one of these, `constraints.md`."""
    names = re.findall(r"`(?:benchmarks/results/)?(\w+)\.md`", page)
    return [RESULTS / f"{name}.md" for name in names]


def holds(figure: str, measured: list[str]) -> bool:
    """Whether one of the measured figures is this one, or rounds to it."""
    digits = len(figure.partition(".")[2])
    return any(abs(float(m) - float(figure)) <= 0.5001 * 10**-digits for m in measured)


@pytest.mark.parametrize("path", [p for p in PAGES if p.stem != DEEP], ids=lambda p: p.stem)
def test_every_figure_of_a_page_was_measured(path: Path) -> None:
    page = path.read_text()
    sources = named(page)
    assert sources
    measured = [m for source in sources for m in re.findall(r"-?\d+\.\d+", source.read_text())]
    figures = FIGURE.findall(page)
    assert len(figures) > 10
    assert [figure for figure in figures if not holds(figure, measured)] == []


def test_the_means_of_deep_spectral_clustering_were_measured() -> None:
    rows = json.loads((RESULTS / "dsc_quality.json").read_text())
    rows = rows["rows"] if isinstance(rows, dict) else rows
    shown = [FIGURE.findall(line) for line in (ROOT / "docs/methods/dsc.md").read_text().splitlines() if "|" in line]
    shown = [line for line in shown if len(line) == len(CASES)]
    assert len(shown) == len(METHODS)
    for method, line in zip(METHODS, shown, strict=True):
        for case, figure in zip(CASES, line, strict=True):
            cells: dict[str, list[float]] = {}
            for row in rows:
                if row["method"] == method and row["case"].startswith(case):
                    cells.setdefault(row["case"], []).append(row["ari"])
            assert holds(figure, [str(mean(mean(cell) for cell in cells.values()))]), (method, case, figure)


def test_the_figures_of_a_large_cube_were_measured() -> None:
    rows = json.loads((RESULTS / "large.json").read_text())["rows"]
    measured = {f"{round(row['peak'] / 2**20)} {round(row['cpu'])}" for row in rows}
    page = (ROOT / "docs/howto/big-cubes.md").read_text().partition("## A cube of 12 GiB")[2].partition("\n## ")[0]
    shown = [" ".join(cells[-2:]) for line in page.splitlines() if (cells := re.findall(r"\b\d+\b(?= \|)", line))]
    assert len(shown) > 10
    assert [pair for pair in shown if pair.replace(",", "") not in measured] == []
