import sys
from pathlib import Path

import numpy as np
import pytest

import large
import spaxel

GIB = 2**30
NOW = {"bytes": 12 * GIB, "code": "abc"}


def row(case, **more):
    return {
        "case": case,
        **NOW,
        "peak": 2**30,
        "private": 2**29,
        "cpu": 5.0,
        "wall": 9.0,
        "output": 0,
        "ari": None,
    } | more


@pytest.mark.parametrize("gibibytes", [0.05, 1, 3, 12])
def test_an_image_of_about_the_size_asked_for(gibibytes):
    rows, columns = large.shape_of(gibibytes)
    assert 3 * rows == 2 * columns
    assert 2 * large.CHANNELS * rows * columns / GIB == pytest.approx(gibibytes, rel=0.25)


def test_twelve_gibibytes_as_documented():
    assert large.shape_of(12) == (2048, 3072)


def test_every_case_has_its_words_and_reads_what_another_one_makes(tmp_path):
    paths = large.paths_of(tmp_path, 2, 3)
    for name, case in large.CASES.items():
        words = large.command(case.words, paths)
        assert not any("{" in word for word in words), name
        read = [paths[large.CASES[need].makes] for need in case.needs]
        assert all(path in words for path in read), name
        assert not case.makes or paths[case.makes] in words


def test_measured_once_for_each_size_and_code(tmp_path):
    paths = large.paths_of(tmp_path, 2, 3)
    rows = [row("simulate"), row("segment kmeans"), row("score")]
    assert large.wanted(["simulate", "segment kmeans"], rows, NOW, paths) == []
    assert large.wanted(["segment kmeans"], rows, NOW | {"code": "new"}, paths) == ["simulate", "segment kmeans"]
    assert large.wanted(["report"], rows, NOW, paths) == [
        "simulate",
        "segment kmeans",
        "report",
    ]  # nothing lies there any more
    Path(paths["kmeans"]).mkdir(parents=True)
    assert large.wanted(["report"], rows, NOW, paths) == ["report"]
    assert large.wanted(["segment kmeans"], rows, NOW | {"bytes": GIB}, paths) == ["simulate", "segment kmeans"]


def test_what_broke_the_bar_or_failed_is_said():
    rows = [
        row("score", peak=1536 * 2**20),
        row("segment kmeans"),
        row("cut 8", failed="spaxel: no room"),
        row("as envi", peak=2 * GIB),
    ]
    told = {line[1]: line[-2] for line in large.lines(rows)}
    assert told == {"segment kmeans": "kept", "score": "MISSED", "cut 8": "spaxel: no room", "as envi": ""}
    assert [line[1] for line in large.lines(rows)][:2] == ["segment kmeans", "score"]  # in the order of the cases
    assert "dgc" in large.page(rows)[-1]
    assert "score" not in large.page(rows)[-1]


def test_the_other_layouts_hold_the_same_numbers(tmp_path):
    spectra = np.random.default_rng(0).integers(0, 2**16, (2 * large.STRIP + 3, 7, 11)).astype("<u2")
    axis = np.linspace(0.5, 38.5, 11)
    spaxel.write_cube(spaxel.make_cube(spectra, axis, "keV"), tmp_path / "a.zarr")
    large.as_envi(tmp_path / "a.zarr", tmp_path / "a.img")
    large.as_hdf5(tmp_path / "a.img", tmp_path / "a.h5")
    for cube in (spaxel.open_cube(tmp_path / "a.hdr"), spaxel.open_cube(tmp_path / "a.h5", channel_axis=0)):
        assert np.array_equal(cube["spectra"], spectra)
        assert np.array_equal(cube["channel"], axis)
        assert cube["channel"].attrs["units"] == "keV"


def test_agreement_of_labels_with_the_truth(tmp_path):
    cube = spaxel.simulate("maxrf", height=9, width=13, channels=16)
    spaxel.write_cube(cube, tmp_path / "zarr.zarr")
    paths = {"zarr": str(tmp_path / "zarr.zarr"), "raw": str(tmp_path / "raw.npy"), "run": str(tmp_path / "none")}
    np.save(paths["raw"], 5 - cube["truth_labels"].to_numpy().ravel())
    assert large.ari_of(large.CASES["MiniBatchKMeans"], paths) == 1
    assert large.ari_of(large.CASES["segment"], paths) is None  # it failed
    assert large.ari_of(large.CASES["score"], paths) is None


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_is_measured_with_its_children():
    child = "import time; held = bytearray(b'1') * (80 * 2**20); time.sleep(1)"
    words = [
        sys.executable,
        "-c",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')",
    ]
    found = large.measured(words)
    assert found["said"] == "done\n"
    assert "failed" not in found
    assert found["private"] > 80 * 2**20 < found["peak"]
    assert large.measured([sys.executable, "-c", "raise SystemExit('no room')"])["failed"] == "no room"
