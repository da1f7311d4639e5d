"""A run that was killed after its fit goes on where it stood: the same bits, nothing done twice, nothing left over."""

import contextlib
import json
import shutil

import numpy as np
import pytest
import xarray as xr

from spaxel.cube import kept, mapping
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.readers.native import write_cube
from spaxel.store import owner
from spaxel.store.run_folder import read_arrays, read_json, read_result
from spaxel.testing import tiny_cube
from spaxel.workflow import fanning, runs

WORDS = ("--n-clusters", "3", "--quiet")


@pytest.fixture(scope="module")
def leaves(tmp_path_factory):
    """Three cubes of a series."""
    folder = tmp_path_factory.mktemp("leaves")
    return [write_cube(tiny_cube(11, 13, seed=seed), folder / f"leaf{seed}.zarr") for seed in range(3)]


@pytest.fixture(scope="module")
def whole(leaves, tmp_path_factory):
    """The run of the series without an interruption."""
    return runs.segment(leaves, tmp_path_factory.mktemp("whole") / "run", parameters={"n_clusters": 3}, method="kmeans")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A folder with a cube of several tiles and a model for it."""
    folder = tmp_path_factory.mktemp("wide")
    cube = tiny_cube(150, 140)
    KMeans(3).fit(tiny_cube(11, 13)).save(folder / "model")
    write_cube(cube, folder / "cube.zarr")
    return folder


def killed(function, where, name, after, folder):
    """Call a function, and have in the folder what a kill leaves when another function has been called so often.

    That is a copy of the folder at that moment, whose locks nobody holds.
    """
    real, calls, copy = getattr(where, name), [], folder.with_name(f"{folder.name} killed")

    def dying(*arguments, **options):
        answer = real(*arguments, **options)
        calls.append(1)
        if len(calls) == after:
            shutil.copytree(folder, copy)
            raise KeyboardInterrupt
        return answer

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(where, name, dying)
        function()
    assert len(calls) == after
    shutil.rmtree(folder, ignore_errors=True)
    copy.rename(folder)


def same(run, whole, places=("",)):
    arrays, others = read_arrays(run), read_arrays(whole)
    assert set(arrays) == set(others)
    assert all(np.array_equal(arrays[name], others[name], equal_nan=True) for name in arrays)
    assert read_json(run)["learned"] == read_json(whole)["learned"]
    for place in places:
        xr.testing.assert_identical(read_result(run / place).load(), read_result(whole / place).load())
    for place in {"", *places}:
        names = [sorted(path.name for path in (run / place).iterdir()) for run in (run, whole)]
        assert names[0] == names[1]


@pytest.mark.parametrize("after", [1, 2])
def test_a_series_goes_on_with_the_next_cube(leaves, whole, tmp_path, monkeypatch, after):
    """Neither the fit nor a finished cube is done again; one that was half written is."""
    run, asked = tmp_path / "run", {"parameters": {"n_clusters": 3}, "method": "kmeans"}
    killed(lambda: runs.segment(leaves, run, **asked), runs, "write_result", after, tmp_path)
    (folder,) = tmp_path.glob(".run.partial-*")
    (folder / "new" / ".shares.csv.part-0123abcd").write_text("half")
    assert not run.exists()
    mapped, apply = [], runs.apply
    for room in (runs, fanning):  # one cube at a time, or all that are small
        monkeypatch.setattr(room, "apply", lambda model, cube: mapped.append(1) or apply(model, cube))
    monkeypatch.setattr(runs, "_fit", lambda *_: pytest.fail("fitted again"))
    runs.segment(leaves, run, **asked, resume=True)
    assert len(mapped) == 4 - after
    same(run, whole, ("leaf0", "leaf1", "leaf2"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("verb", ["segment", "predict", "unmix"])
def test_a_map_goes_on_with_the_next_tile(cli, wide, tmp_path, monkeypatch, verb):
    """Of nine tiles some are finished, and one of these is damaged: that one and the others are made."""
    words = {
        "segment": ["segment", wide / "cube.zarr", *WORDS, "--lines", "none"],
        "unmix": ["unmix", wide / "cube.zarr", "--method", "nmf", "--n-components", "2", "--quiet", "--lines", "none"],
        "predict": ["predict", wide / "model", wide / "cube.zarr", "--quiet", "--lines", "none"],
    }[verb]
    run = tmp_path / "place" / "run"
    monkeypatch.setattr(kept, "EARLY", 0.0)
    monkeypatch.setattr(kept, "OFTEN", 0.0)
    monkeypatch.setattr(kept, "SELDOM", 0)
    monkeypatch.setattr(mapping, "MOST_PIXELS", 64 * 64)
    assert cli(*words, "-o", tmp_path / "undisturbed")[::2] == (0, "")
    killed(lambda: cli(*words, "-o", run), kept.Kept, "keep", 5, run.parent)
    (journal,) = run.parent.glob(".run.partial-*/scratch/maps/one/*/finished.npz")
    done = np.load(journal)["done"].sum()
    assert 4 <= done <= 5  # one less where the trial of a model that is loaded is counted
    damaged = max(journal.parent.glob("maps/*/c/*/*/**/*"), key=lambda path: path.is_file())
    damaged.write_bytes(damaged.read_bytes()[:-1])
    made, one_tile = [], mapping._one_tile
    monkeypatch.setattr(mapping, "_one_tile", lambda *given: made.append(given[-1]) or one_tile(*given))
    assert cli(*words, "-o", run, "--resume")[0] == 0
    made = [tile for tile in made if tile.n_pixels > 4]  # the smaller one is a trial of the model when it is loaded
    assert len(made) == len(set(made)) == 9 - done + 1
    xr.testing.assert_identical(read_result(run).load(), read_result(tmp_path / "undisturbed").load())
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_what_differs_is_refused_and_kept(cli, leaves, tmp_path):
    """Another seed, another file, another option; then the right one goes on, also with another memory."""
    run = tmp_path / "run"
    words = ["segment", "--method=kmeans", leaves[0], "-o", run, *WORDS]
    killed(lambda: cli(*words), runs, "write_arrays", 1, tmp_path)
    for changed, said in (
        ([*words, "--seed", 3], "random_state is 3, there 0"),
        (["segment", leaves[1], *words[2:]], "input 0 is"),
        ([*words, "--crop", "1:"], "steps is"),
        (["segment", "--method=kmeans", leaves[0], "-o", run, "--n-clusters", "4"], "n_clusters is 4, there 3"),
    ):
        code, out, err = cli(*changed, "--resume")
        assert (code, out) == (2, "")
        assert said in err
        assert "another run" in err
    assert cli(*words, "--resume", "--memory", "300MiB")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read_json(run)["parameters"]["memory"] == 300 * 2**20


@pytest.mark.filterwarnings("always::UserWarning")
def test_without_resume_it_begins_anew(cli, leaves, tmp_path):
    run = tmp_path / "run"
    words = ["segment", "--method=kmeans", leaves[0], "-o", run, *WORDS]
    killed(lambda: cli(*words), runs, "write_arrays", 1, tmp_path)
    assert any(tmp_path.glob(".run.partial-*/scratch/key.json"))
    assert cli(*words, "--seed", 3)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read_json(run)["seed"] == 3
    code, _, err = cli(*words, "--resume", "--overwrite")
    assert code == 0
    assert "nothing" in err


@pytest.mark.parametrize("worth", [True, False])
def test_an_interruption_keeps_what_took_long(cli, leaves, tmp_path, monkeypatch, worth):
    run = tmp_path / "run"
    words = ["segment", "--method=kmeans", leaves[0], "-o", run, *WORDS]

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, "WORTH", 0.0 if worth else 60.0)
        patch.setattr(runs, "write_result", interrupt)
        code, _, err = cli(*words)
    said = " What is done is kept: go on with --resume." if worth else ""
    assert (code, err) == (130, f"\nspaxel: interrupted; nothing is left half-written.{said}\n")
    assert bool(list(tmp_path.iterdir())) == worth
    if worth:
        monkeypatch.setattr(runs, "_fit", lambda *_: pytest.fail("fitted again"))
        assert cli(*words, "--resume")[0] == 0
        assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_older_run_is_kept_until_the_end(cli, leaves, tmp_path):
    run = tmp_path / "run"
    words = ["segment", "--method=kmeans", leaves[0], "-o", run, *WORDS]
    assert cli(*words)[0] == 0
    before = (run / "run.json").read_bytes()
    killed(lambda: cli(*words, "--overwrite"), runs, "write_result", 1, tmp_path)
    assert (run / "run.json").read_bytes() == before
    assert cli(*words, "--resume")[0] == 2
    assert cli(*words, "--overwrite", "--resume")[0] == 0
    assert json.loads((run / "run.json").read_text())["command"].endswith("--resume")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_that_leads_elsewhere_is_not_gone_on_with(cli, leaves, tmp_path):
    """A link planted inside is never followed, and what it leads to is as it was."""
    (tmp_path / "mine").write_text("mine")
    run = tmp_path / "run"
    words = ["segment", "--method=kmeans", leaves[0], "-o", run, *WORDS]
    killed(lambda: cli(*words), runs, "write_arrays", 1, tmp_path)
    (folder,) = tmp_path.glob(".run.partial-*")
    (folder / "lock").unlink()
    (folder / "lock").symlink_to(tmp_path / "mine")
    assert cli(*words)[0] == 0
    assert (tmp_path / "mine").read_text() == "mine"
    assert folder.is_dir()
