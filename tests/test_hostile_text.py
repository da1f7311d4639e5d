"""A file whose names are markup, codes of a terminal, formulas and paths: in everything that leaves us they are text."""

import contextlib
import csv
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spaxel
from spaxel.cli import main
from spaxel.errors import CONTROLS, printable
from spaxel.store.cells import uncelled

NAMES = ["<script>hacked=1</script>", "a\x1b[2Jb", '=HYPERLINK("http://x","y")', "../../x", "<img src=x onerror=hacked=1>",
         "@SUM(A1)", "u\u202egnp", "plain"]  # fmt: skip
UNIT = "<b>nm</b>=1"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """A table of 48 mixtures of three bands, whose samples, groups and unit have such names."""
    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("hostile")
    axis = np.linspace(400, 700, 31)
    bands = np.exp(-(((axis - np.array([[450], [550], [650]])) / 25) ** 2))
    spectra = rng.dirichlet([0.3] * 3, 48) @ bands + rng.normal(0, 0.002, (48, 31))
    with (folder / "mix <script>.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sample", "class", *(f"{value:g}" for value in axis)])
        writer.writerows([NAMES[i % 8], NAMES[i % 3], *(f"{v:.5f}" for v in row)] for i, row in enumerate(spectra))
    return folder / "mix <script>.csv"


@pytest.fixture(scope="module")
def runs(hostile) -> tuple[Path, Path, str]:
    """(a segmentation, an unmixing, all that the commands said); components named by hand with such names."""

    said, folder = io.StringIO(), hostile.parent
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("default")
        main(
            [
                "segment",
                "--method=kmeans",
                str(hostile),
                "-o",
                str(folder / "seg"),
                "--n-clusters",
                "3",
                "--units",
                UNIT,
            ]
        )
        main(["unmix", str(hostile), "-o", str(folder / "mix"), "--n-components", "3", "--units", UNIT])
        named = [part for i in range(3) for part in ("--name", f"{i}={NAMES[i]}")]
        main(["cut", str(folder / "seg"), "3", *named])
    return folder / "seg", folder / "mix", said.getvalue()


def formulas(path: Path) -> list[str]:
    cells = [cell for row in csv.reader(io.StringIO(path.read_text("utf-8"), newline="")) for cell in row]
    return [cell for cell in cells if cell.strip()[:1] in tuple("=+-@") and not re.fullmatch(r"-?[\d.e+-]+", cell)]


def test_tables_hold_the_names_and_no_formula(runs):
    segmented, unmixed, _ = runs
    tables = [*segmented.glob("*.csv"), *unmixed.glob("*.csv")]
    assert {path.name for path in tables} >= {"labels.csv", "activation.csv", "components.csv", "abundances.csv"}
    for path in tables:
        assert not formulas(path), path
        assert not CONTROLS.search(path.read_text("utf-8").replace("\n", "")), path
    read = pd.read_csv(segmented / "labels.csv")
    assert [uncelled(name) for name in read["sample"][:8]] == list(map(printable, NAMES))
    assert read["sample"][7] == "plain"


def test_a_table_that_is_converted_comes_back_with_its_names(cli, hostile):
    out = hostile.parent / "again.csv"
    code, _, _ = cli("convert", hostile, out, "--units", UNIT)
    assert code == 0
    assert not formulas(out)
    first, again = spaxel.open_cube(hostile, units="nm"), spaxel.open_cube(out, units="nm")
    assert list(again["sample"].values) == list(map(printable, first["sample"].values))


def test_no_code_reaches_the_terminal(cli, hostile, runs):
    segmented, unmixed, said = runs
    library = hostile.parent / "library.csv"
    library.write_text("nm," + ",".join(map(csv_cell, NAMES)) + "\n" + "\n".join(
        f"{v}," + ",".join(str((v + i) % 7) for i in range(8)) for v in range(400, 710, 10)), encoding="utf-8")  # fmt: skip
    matched = hostile.parent / "names.csv"
    texts = [said]
    for line in (
        ["info", hostile],
        ["match", unmixed, "--library", library, "--units", "nm", "--out", matched],
        ["report", segmented],
    ):
        _, out, err = cli(*line)
        texts += [out, err]
    for text in texts:
        assert not CONTROLS.search(text.replace("\n", "")), text
    assert not matched.exists() or not formulas(matched)
    assert not list(hostile.parent.parent.glob("x*"))


def csv_cell(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
