"""The verbs that look at runs and files: score, cut, report, info, convert, simulate, demo, doctor."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from spaxel.readers import open_cube
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_json, read_result
from spaxel.synth import simulate
from spaxel.testing import tiny_cube

PARTS = {"run.json", "arrays.safetensors", "history.jsonl", "result.zarr", "report.html", "activation.csv"}


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_score(cli, scan_run):
    code, out, _ = cli("score", scan_run, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["accuracy"] == found["ari"] == found["nmi"] == found["mean_iou"] == 1
    assert found["iou"] == {"0": 1, "1": 1, "2": 1}
    assert "accuracy 1.000" in cli("score", scan_run)[1]
    code, out, _ = cli("score", scan_run, "--json", "--level", 2)
    assert json.loads(out)["n_components"] == 2
    assert json.loads(out)["accuracy"] < 1
    code, _, err = cli("score", scan_run, "--level", 99)
    assert code == 2
    assert "level is 99, expected 1 to" in err


def test_score_calls_components_by_the_names_that_people_gave(cli, own_run):
    def components() -> dict[str, str]:
        lines = [line.split(maxsplit=2) for line in cli("score", own_run)[1].splitlines()[1:]]
        assert lines[0] == ["class", "IoU", "component"]
        return {name: called for name, _, called in lines[1:]}

    matching = json.loads(cli("score", own_run, "--json")[1])["matching"]
    assert components() == {name: str(k) for name, k in matching.items()}
    cli("cut", own_run, "--name", "1=ground")
    assert components() == {name: "1 ground" if k == 1 else str(k) for name, k in matching.items()}
    cli("cut", own_run, 3, "--merge", "0,2", "--name", "paint", "--name", "1=ground")
    matching = json.loads(cli("score", own_run, "--json")[1])["matching"]
    names = {i: f"{k} {('paint', 'ground')[k]}" for i, k in matching.items()}
    assert components() == {"0": "-", "1": "-", "2": "-"} | names
    assert len(names) == 2


def test_score_against_a_file(cli, scan_run, scan, tmp_path):
    labels = tiny_cube(20, 17)["truth_labels"].values + 1
    np.save(tmp_path / "labels.npy", labels)
    np.savez(tmp_path / "two.npz", good=labels, other=np.zeros((3, 4)))
    for truth in (scan, tmp_path / "labels.npy", f"{tmp_path / 'two.npz'}:good"):
        assert json.loads(cli("score", scan_run, "--truth", truth, "--json")[1])["accuracy"] == 1
    for truth in (tmp_path / "no.npy", f"{tmp_path / 'two.npz'}:no", f"{tmp_path / 'two.npz'}:other"):
        code, out, err = cli("score", scan_run, "--truth", truth)
        assert (code, out) == (2, "")
        assert Path(str(truth).rpartition(":")[0] or truth).name in err


def test_score_without_a_truth(cli, tmp_path):
    bare = write_cube(tiny_cube(9, 8).drop_vars("truth_labels"), tmp_path / "bare.zarr")
    cli("segment", "--method=kmeans", bare, "-o", tmp_path / "run", "--n-clusters", 2)
    code, _, err = cli("score", tmp_path / "run")
    assert code == 2
    assert "Try --truth" in err


def test_cut_and_report(cli, own_run):
    arrays = (own_run / "arrays.safetensors").read_bytes()
    code, out, _ = cli("cut", own_run, 2)
    assert code == 0
    assert "Cut at level 2" in out
    assert read_result(own_run).sizes["component"] == 2
    assert (own_run / "arrays.safetensors").read_bytes() == arrays
    about = json.loads((own_run / "run.json").read_text())
    assert about["level"] == 2
    assert about["command"].splitlines()[1] == f"spaxel cut {own_run} 2"
    before = read_result(own_run).load()
    assert cli("cut", own_run, 77)[0] == 2
    xr.testing.assert_identical(read_result(own_run).load(), before)
    (own_run / "report.html").unlink()
    assert cli("report", own_run)[1] == f"report: {own_run / 'report.html'}\n"
    assert (own_run / "report.html").is_file()
    assert left(own_run.parent) == {"run"}


def test_cut_merges_and_names(cli, own_run):
    code, out, err = cli("cut", own_run, 3, "--merge", "0,2", "--name", "paint", "--name", "1=ground")
    assert (code, err) == (0, "")
    assert "Merged by hand: 0 + 2. Named by hand: 0 paint. Named by hand: 1 ground." in out
    assert "0 paint" in out
    assert read_result(own_run)["component"].values.tolist() == ["paint", "ground"]
    assert "paint" in (own_run / "report.html").read_text("utf-8")
    assert ",0,paint," in (own_run / "activation.csv").read_text("utf-8")
    about = json.loads((own_run / "run.json").read_text())
    assert about["command"].splitlines()[1:] == [f"spaxel cut {own_run} 3 --merge 0,2 --name paint --name 1=ground"]
    assert cli("cut", own_run, "--name", "1=")[0] == 0
    assert read_result(own_run)["component"].values.tolist() == ["paint", "component 1"]
    assert len(json.loads((own_run / "run.json").read_text())["command"].splitlines()) == 3
    assert cli("cut", own_run, 3)[0] == 0
    assert "component" not in read_result(own_run).coords
    about = json.loads((own_run / "run.json").read_text())
    assert (len(about["command"].splitlines()), len(about["cuts"])) == (2, 3)


def test_a_cut_kept_under_a_name(cli, own_run):
    before = (own_run / "run.json").read_bytes()
    words = ["2", "--split", "0", "--merge", "0b,1", "--name", "0a=sky", "--color", "0a=#336699", "--background", "1"]
    code, out, err = cli("cut", own_run, *words, "--save-as", "fine", "--report")
    assert (code, err) == (0, "")
    assert f"report: {own_run / 'cuts' / 'fine' / 'report.html'}" in out
    assert f"spaxel cut {own_run} --from fine" in out
    assert (own_run / "run.json").read_bytes() == before
    assert "--save-as fine" in cli("info", own_run)[1]
    assert json.loads(cli("info", own_run, "--json")[1])["components"] == 3  # of the run itself
    assert cli("report", own_run, "--cut", "fine")[0] == 0
    assert cli("cut", own_run, 2, "--save-as", "fine")[0] == 2
    out = cli("cut", own_run, "--from", "fine", "--background", "sky")[1]
    assert "sky" in out
    assert out.count("background") >= 2
    assert "336699" in (own_run / "report.html").read_text("utf-8")
    assert cli("cut", own_run, "--name", "0=", "--color", "0=", "--background", "0=", "--background", "1=")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do. Try a LEVEL"),
        (["--merge", "1"], "joins fewer than two"),
        (["--merge", ","], "is empty. Try --merge 3,7"),
        (["--merge", "0,paint"], "no component paint. Try a number from 0 to 2"),
        (["--merge", "0,1", "--name", "a", "--name", "b"], "not clear what 'a' names"),
        (["--name", "paint"], "not clear what 'paint' names.*Try --name NUMBER=paint"),
        (["--name", "1=a", "--name", "1=b"], "Component 1 is given two names"),
        (["--name", "1=a", "--name", "2=a"], "'a' is given to components 1 and 2"),
        (["--name", "1=2"], "looks like the number"),
        (["--split", "0a"], "no component 0a"),
        (["2", "--split", "0", "--name", "0=a"], "Component 0 was split. Try one of its parts: 0a, 0b"),
        (["--color", "#D55E00"], "names no component. Try --color 3=#D55E00"),
        (["--color", "0=red"], "'red' cannot be read"),
        (["--background", "sky"], "no component sky"),
        (["2", "--overwrite"], "go with --save-as NAME"),
        (["--from", "none"], "no cut 'none'. It has none"),
    ],
)
def test_cuts_that_make_no_sense(cli, scan_run, arguments, message):
    before = (scan_run / "run.json").read_bytes()
    code, out, err = cli("cut", scan_run, *arguments)
    assert (code, out) == (2, "")
    assert re.search(message, err)
    assert (scan_run / "run.json").read_bytes() == before


def test_a_reference_is_compared_with(cli, tmp_path):
    whole, part = tiny_cube(20, 17), tiny_cube(20, 17, seed=3).isel(y=slice(0, 12))
    paths = [write_cube(cube, tmp_path / f"{name}.zarr") for name, cube in (("sick", whole), ("healthy", part))]
    code, out, _ = cli(
        "segment", "--method=kmeans", *paths, "-o", tmp_path / "run", "--n-clusters", 3, "--reference", paths[1]
    )
    assert code == 0
    assert out.count("  new") == 1
    rows = list(csv.DictReader((tmp_path / "run" / "activation.csv").read_text("utf-8").splitlines()))
    assert [row["cube"] for row in rows if row["new"] == "yes"] == ["sick"]
    code, _, err = cli(
        "segment", "--method=kmeans", *paths, "-o", tmp_path / "no", "--n-clusters", 3, "--reference", "other.zarr"
    )
    assert code == 2
    assert "The reference other.zarr is none of the files. Try one of" in err
    assert not (tmp_path / "no").exists()


def test_info(cli, scan):
    code, out, err = cli("info", scan)
    assert (code, err) == (0, "")
    assert "axis                       energy (keV): 1 to 6\n" in out
    found = json.loads(cli("info", scan, "--json")[1])
    assert found["channels"] == 11
    assert found["file"] == str(scan)
    assert "photon counts" in found["looks like"]


def test_convert_and_simulate(cli, tmp_path):
    assert cli("simulate", "maxrf", tmp_path / "a.zarr", "--size", "8x9", "--seed", 3, "--option", "counts=50")[0] == 0
    cli("simulate", "maxrf", tmp_path / "b.zarr", "--size", "8x9", "--seed", 3, "--option", "counts=50")
    a, b = open_cube(tmp_path / "a.zarr"), open_cube(tmp_path / "b.zarr")
    xr.testing.assert_equal(a, b)
    assert a["spectra"].shape[:2] == (8, 9)
    assert "truth_labels" in a
    np.savez(tmp_path / "c.npz", spectra=np.ones((4, 3, 2)), wavelength=[400.0, 500])
    code, out, _ = cli("convert", tmp_path / "c.npz", tmp_path / "c.zarr", "--units", "nm", "--channel-axis", 2)
    assert (code, out) == (0, f"wrote {tmp_path / 'c.zarr'}\n")
    assert open_cube(tmp_path / "c.zarr")["channel"].attrs["units"] == "nm"
    code, _, err = cli("convert", tmp_path / "c.npz", tmp_path / "c.zarr", "--units", "nm")
    assert code == 2
    assert "exists already" in err


def test_treatments_become_steps(cli, scan, tmp_path):
    cli(
        "segment",
        "--method=kmeans",
        scan,
        "-o",
        tmp_path / "run",
        "--n-clusters",
        2,
        "--crop",
        "1.5:5",
        "--rebin",
        2,
        "--smooth",
        3,
    )
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [step["name"] for step in about["learned"]["steps"]][:3] == ["crop", "rebin", "smooth"]


def test_doctor(cli, monkeypatch):
    monkeypatch.setattr("spaxel.workflow.foreseen.fixed_memory", lambda deep: ())
    assert "scikit-learn" in cli("doctor")[1]
    found = json.loads(cli("doctor", "--json")[1])
    assert {"spaxel", "machine", "libraries", "extras", "readers"} == set(found)


def test_demo(cli, tmp_path):
    code, out, err = cli("demo", tmp_path / "demo")
    assert (code, err) == (0, "")
    assert "accuracy" in out
    assert left(tmp_path / "demo") == {"painting.zarr", "run"}
    code, _, err = cli("demo", tmp_path / "demo")
    assert code == 2
    assert "painting.zarr exists already" in err


@pytest.mark.filterwarnings("default::UserWarning")
def test_each_warning_is_printed_once(cli, tmp_path):
    dense = simulate("mixture", n_components=3, per_component=20, n_channels=64, fewest_mixed=3, most_mixed=3)
    table = write_cube(dense, tmp_path / "table.zarr")
    code, out, err = cli("unmix", table, table, "-o", tmp_path / "run")
    assert code == 0
    sentences = read_json(tmp_path / "run")["learned"]["warnings"]
    assert sentences
    assert [(out + err).count(sentence) for sentence in sentences] == [1] * len(sentences)
