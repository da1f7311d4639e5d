"""Options of the door on the command line: what is not used, what is physical, for every verb that opens a file."""

import json

import numpy as np
import pytest

from spaxel.cli import main
from spaxel.readers import open_cube
from spaxel.store.run_folder import read_result

pytestmark = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")

H, W, C = 16, 14, 8


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """A scene of two materials whose left columns are junk; `use.npy` leaves them out."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    values = rng.normal(1, 0.05, (H, W, C)) + np.linspace(0, 1, C) * (np.arange(H) > 7)[:, None, None]
    values[:, :4] = rng.random((H, 4, C)) * 90
    np.save("scene.npy", values)
    use = np.ones((H, W), np.uint8)
    use[:, :4] = 0
    np.save("use.npy", use)
    np.save("bad.npy", 1 - use)
    return values


def run(*words):
    """The command, as it is typed."""
    main([*map(str, words)])


def test_segment_and_predict_leave_out_what_the_mask_leaves_out(scene):
    run(
        "segment",
        "--method=kmeans",
        "scene.npy",
        "--channel-axis",
        2,
        "--mask",
        "use.npy",
        "-o",
        "a",
        "--n-clusters",
        2,
    )
    labels = read_result("a")["labels"].values
    assert (labels[:, :4] == -1).all()
    assert len(np.unique(labels[:8, 4:])) == len(np.unique(labels[8:, 4:])) == 1
    run("predict", "a", "scene.npy", "--channel-axis", 2, "--mask", "bad.npy", "--mask-invert", "-o", "b")
    np.testing.assert_array_equal(read_result("b")["labels"].values, labels)
    assert (labels[:, 4:] >= 0).all()


def test_what_lies_under_a_mask_changes_no_bit_of_a_run(scene):
    changed = scene.copy()
    changed[:, :4] = -1e30
    np.save("other.npy", changed)
    for name in ("scene", "other"):
        run("segment", "--method=kmeans", f"{name}.npy", "--channel-axis", 2, "--mask", "use.npy", "-o", f"run_{name}")
    first, second = read_result("run_scene"), read_result("run_other")
    for name in first.data_vars:
        np.testing.assert_array_equal(first[name].values, second[name].values, err_msg=name)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_unmix_convert_and_info_take_a_mask(scene, capsys):
    run("unmix", "scene.npy", "--channel-axis", 2, "--mask", "use.npy", "-o", "mix", "--n-components", 2)
    assert np.isnan(read_result("mix")["abundances"].values[:, :4]).all()
    run("convert", "scene.npy", "scene.zarr", "--channel-axis", 2, "--mask", "use.npy")
    cube = open_cube("scene.zarr")
    assert (~cube["valid"].values[:, :4]).all()
    assert np.isnan(cube["spectra"].values[:, :4]).all()
    capsys.readouterr()
    run("info", "scene.npy", "--channel-axis", 2, "--mask", "use.npy", "--json")
    told = json.loads(capsys.readouterr().out)
    assert any("64 of 224 pixels are not used" in str(value) for value in told.values())


@pytest.mark.parametrize("words", [("--no-data", "-9999"), ("--no-data=-9999,-1",), ("--no-data", "-9999,7")])
def test_negative_values_are_read_as_values(scene, words):
    scene[:2, :2] = -9999
    np.save("scene.npy", scene)
    run("convert", "scene.npy", "a.zarr", "--channel-axis", 2, *words)
    assert np.isnan(open_cube("a.zarr")["spectra"].values[:2, :2]).all()


def test_references_are_applied_by_convert_and_said_by_info(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, values in (
        ("scan", rng.integers(500, 3000, (H, W, C))),
        ("WHITEREF_scan", np.full((3, W, C), 4100)),
        ("DARKREF_scan", np.full((3, W, C), 100)),
    ):
        sizes = f"samples = {W}\nlines = {len(values)}\nbands = {C}\n"
        (tmp_path / f"{name}.hdr").write_text(f"ENVI\n{sizes}data type = 12\ninterleave = bip\nbyte order = 0\n")
        values.astype("<u2").tofile(f"{name}.raw")
    run("info", "scan.hdr")
    assert "Option reflectance divides by them" in " ".join(capsys.readouterr().out.split())
    run("convert", "scan.hdr", "scan.zarr", "--reflectance")
    raw = open_cube("scan.hdr")["spectra"].values
    np.testing.assert_allclose(open_cube("scan.zarr")["spectra"].values, (raw - 100.0) / 4000, rtol=1e-6)
    run("segment", "--method=kmeans", "scan.zarr", "-o", "run", "--n-clusters", 2)


def test_a_mask_of_another_size_is_one_line_and_writes_nothing(scene, tmp_path, capsys):
    np.save("small.npy", np.ones((3, 3)))
    with pytest.raises(SystemExit) as end:
        main(["segment", "--method=kmeans", "scene.npy", "--channel-axis", "2", "--mask", "small.npy", "-o", "run"])
    assert end.value.code == 2
    assert "3 x 3" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
