"""What a person reads after a run, beside numbers taken from the result itself: counts, Raman, tables, signed, masks."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from spaxel.commands.summary import MOST, print_run
from spaxel.cube import make_cube
from spaxel.readers.native import write_cube
from spaxel.results.convention import shares, with_names
from spaxel.results.said import plain_sentence
from spaxel.store.run_folder import read_json, read_result, write_json, write_result


def peaks(k: int, channels: int) -> np.ndarray:
    axis = np.linspace(0, 1, channels)
    return 0.05 + np.exp(-((axis - (np.arange(k)[:, None] + 0.5) / k) ** 2) / 0.004)


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def rows_of(out: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table that was printed."""
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.lstrip().startswith("component  "))
    end = next(i for i in range(start + 1, len(lines)) if not re.match(r"\s*\d", lines[i]) or "pixels" in lines[i])
    return cells(lines[start]), [cells(line) for line in lines[start + 1 : end]]


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """Counts of three materials with a border of NaN and true abundances; runs of two methods."""
    from spaxel.cli import main

    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("counts")
    y, x = np.mgrid[0:40, 0:50]
    fields = np.stack([-((y - a) ** 2 + (x - b) ** 2) / 60 for a, b in ((10, 10), (30, 15), (20, 40))], axis=-1)
    shares = np.exp(fields - fields.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    spectra = rng.poisson(400 * shares @ peaks(3, 30)).astype(float)
    spectra[:2], spectra[:, -1] = np.nan, np.nan
    cube = make_cube(
        spectra, np.linspace(1, 10, 30), "keV", truth_abundances=shares, truth_spectra=peaks(3, 30).astype(float)
    )
    write_cube(cube, folder / "scan.zarr")
    main(["unmix", str(folder / "scan.zarr"), "-o", str(folder / "unmixed"), "--kind", "scene"])
    main(["segment", "--method=kmeans", str(folder / "scan.zarr"), "-o", str(folder / "parts"), "--n-clusters", "3"])
    return folder


def said(capsys, run: Path) -> str:
    capsys.readouterr()
    print_run(run)
    return capsys.readouterr().out


def test_an_unmixed_image_says_how_much_of_each_and_what_is_left(images, capsys):
    out, result = said(capsys, images / "unmixed"), read_result(images / "unmixed").load()
    amounts = result["abundances"].values.reshape(-1, 3)
    amounts = amounts[np.isfinite(amounts).all(1)]
    header, rows = rows_of(out)
    assert header == ["component", "share (mean abundance)", "present in", "largest in (spectra)"]
    assert len(rows) == 3
    for k, row in enumerate(rows):
        share = (amounts[:, k] / amounts.sum(1)).mean()
        largest = int((result["labels"].values == k).sum())
        assert row[0] == str(k)
        assert float(row[1].rstrip("%")) == pytest.approx(100 * share, abs=0.06)
        assert float(row[2].rstrip("%")) == pytest.approx(100 * (amounts[:, k] > 0).mean(), abs=0.06)
        assert row[3] == f"{largest:,}"
    assert f"{40 * 50 - 38 * 49:,} of 2,000 pixels hold no data (label -1)" in out
    left = np.nanmedian(result["residual"].values)
    assert f"what the components do not explain: {left:.2%} of a spectrum's norm in the median" in out
    compared = read_json(images / "unmixed")["unmixing"]
    assert f"against the truth, after matching: n_true 3, mean_angle {compared['mean_angle']:.4g}, angle " in out
    assert f"abundance_rmse_of_shares {compared['abundance_rmse_of_shares']:.4g}" in out
    assert out.splitlines()[0] == f"scan: {plain_sentence(result)}"
    assert out.splitlines()[1] == f"  {result.attrs['sentence']}"
    assert out.splitlines()[-1] == f"report: {images / 'unmixed' / 'report.html'}"


def test_a_segmented_image_says_the_sizes_of_the_parts(images, capsys):
    out, result = said(capsys, images / "parts"), read_result(images / "parts").load()
    labels, confidence = result["labels"].values, result["confidence"].values
    header, rows = rows_of(out)
    assert header == ["component", "pixels", "share", "mean confidence", "present"]
    for k, row in enumerate(rows):
        at = labels == k
        sure = f"{confidence[at].mean(dtype=np.float64):.2f}"
        assert row[:3] == [str(k), f"{at.sum():,}", f"{at.sum() / (labels >= 0).sum():.1%}"]
        assert float(row[3]) == pytest.approx(float(sure), abs=0.011)
        assert row[4] in ("yes", "no")
    assert sum(int(row[1].replace(",", "")) for row in rows) == 38 * 49


def test_an_image_without_data_says_so(images, capsys, tmp_path):
    result = read_result(images / "unmixed").load()
    write_result(tmp_path, result.assign(labels=result["labels"] * 0 - 1, abundances=result["abundances"] * np.nan))
    write_json(tmp_path, read_json(images / "unmixed"))
    out = said(capsys, tmp_path)
    assert "no pixel holds data, so nothing was unmixed" in out
    assert "nan" not in out


def test_names_stand_beside_numbers_and_an_absent_component_has_no_confidence(images, capsys, tmp_path):
    result, about = read_result(images / "parts").load(), read_json(images / "parts")
    gone = result["labels"].values.copy()
    gone[gone == 2] = -1
    named = with_names(result.assign(labels=(("y", "x"), gone)), ["red lead", "", "azurite"])
    named["component_size"][2] = 0
    write_result(tmp_path, named)
    write_json(tmp_path, about)
    _, rows = rows_of(said(capsys, tmp_path))
    assert [row[0] for row in rows] == ["0 red lead", "1", "2 azurite"]
    assert rows[2][1:4] == ["0", "0.0%", "-"]


@pytest.fixture
def many(tmp_path, cli) -> tuple[Path, str]:
    """A table of Raman spectra of 24 substances, as CSV; the run, and what was printed."""
    rng, k = np.random.default_rng(3), MOST + 4
    amounts = np.eye(k)[np.repeat(np.arange(k), 8)] * rng.uniform(0.5, 1, (8 * k, 1))
    spectra = amounts @ peaks(k, 150) + 0.001 * rng.normal(size=(8 * k, 150))
    with open(tmp_path / "raman.csv", "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["sample", *np.linspace(300, 1800, 150).round(2)])
        lines.writerows([f"s{i}", *row] for i, row in enumerate(spectra.round(6)))
    words = ["--units", "1/cm", "--method", "nmf", "--n-components", k, "--max-iter", 3000]
    code, out, err = cli("unmix", tmp_path / "raman.csv", "-o", tmp_path / "run", *words)
    assert code == 0, err
    return tmp_path / "run", out


def test_a_long_table_lists_twenty_and_says_how_many_more(many):
    run, out = many
    _, rows = rows_of(out)
    assert [row[0] for row in rows] == [str(i) for i in range(MOST)]
    assert "and 4 more, in components.csv and the report" in out
    assert (run / "components.csv").is_file()
    assert "no data" not in out


@pytest.mark.filterwarnings("default:Samples hold")
def test_a_signed_table_is_told_its_warnings_once(cli, tmp_path):
    rng = np.random.default_rng(0)
    clean = rng.dirichlet(np.full(3, 3.0), 40) @ rng.normal(size=(3, 50))
    cube = make_cube((clean + rng.normal(0, 0.01, clean.shape))[None], np.linspace(300, 1800, 50), "1/cm")
    write_cube(cube, tmp_path / "signed.zarr")
    code, out, err = cli("unmix", tmp_path / "signed.zarr", "-o", tmp_path / "run", "--n-components", "3")
    assert code == 0
    notes = read_result(tmp_path / "run").attrs["notes"]
    assert notes
    assert all((out + err).count(sentence) == 1 for sentence in notes)
    assert (read_result(tmp_path / "run")["component_spectra"].values < 0).any()


def test_several_cubes_end_with_one_line_of_all(cli, images, tmp_path):
    scan = images / "scan.zarr"
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "scan.zarr"
    write_cube(make_cube(np.random.default_rng(1).poisson(50, (8, 9, 30)), np.linspace(1, 10, 30), "keV"), other)
    code, out, _ = cli("segment", "--method=kmeans", scan, other, "-o", tmp_path / "run", "--n-clusters", 2)
    assert code == 0
    assert out.splitlines()[-1] == (
        f"2 cubes together: {tmp_path / 'run' / 'report.html'}, {tmp_path / 'run' / 'activation.csv'}, "
        f"{tmp_path / 'run' / 'shares.csv'}"
    )
    assert [line for line in out.splitlines() if line.startswith("report: ")] == [
        f"report: {tmp_path / 'run' / name / 'report.html'}" for name in read_json(tmp_path / "run")["inputs"]
    ]


def test_the_share_of_an_unmixed_component_is_one_number_everywhere(images, capsys):
    """The page said how many pixels it is the largest of, the command its mean abundance, and both called it share."""
    run = images / "unmixed"
    with (run / "abundances.csv").open() as file:
        rows = np.genfromtxt(file, delimiter=",", skip_header=1)[:, 2:5]
    rows = rows[np.isfinite(rows).all(1)]
    of_table = (rows / rows.sum(1, keepdims=True)).mean(0)
    assert shares(read_result(run)) == pytest.approx(of_table, abs=1e-6)
    wanted = [f"{100 * share:.1f}" for share in of_table]
    assert [row[1].rstrip("%") for row in rows_of(said(capsys, run))[1]] == wanted
    page = (run / "report.html").read_text("utf-8")
    for k, share in enumerate(wanted):  # the legend beside the map, and the table of the components
        assert len(re.findall(rf"component {k}</span>\s*<span class=\"n\">{share} %", page)) == 1
        assert (
            len(re.findall(rf">component {k}</td>\s*<td class=\"n\">[\d,]+</td>\s*<td class=\"n\">{share} %", page))
            == 1
        )
