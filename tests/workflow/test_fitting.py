"""A fit that is killed and resumed on the command line: same bits, nothing left over, and refusals that say what differs."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from spaxel.errors import Exists, ParameterError
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.pace import progress
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_arrays, read_json
from spaxel.testing import tiny_cube
from spaxel.training.checkpoint import Keeper
from spaxel.workflow.fitting import fit
from spaxel.workflow.runs import segment

CUBE = tiny_cube(20, 17)
WORDS = ("--method", "dsc", "--n-clusters", "3", "--epochs", "4", "--n-init", "2", "--context", "3", "--stream", "true")
PHASES = (
    "--method", "dgc", "--epochs", "2", "--epochs-views", "2", "--tiles", "2", "--reuse", "2", "--n-micro", "6",
    "--n-sample", "300", "--width", "8",
)  # fmt: skip
KILLED = (  # the command line, in a process that is killed by the system when so many epochs are written
    "import os, signal, sys\nfrom spaxel.cli import main\nfrom spaxel.training.checkpoint import Keeper\n"
    "write, written = Keeper.write, []\n"
    "def last(keeper, epoch):\n    write(keeper, epoch)\n    written.append(epoch)\n"
    "    len(written) < int(sys.argv[1]) or os.kill(os.getpid(), signal.SIGKILL)\n"
    "Keeper.write = last\nmain(sys.argv[2:])\n"
)


def kill(folder, scan, epochs, words):
    """The folder where a run was being made when the process was killed."""
    command = [sys.executable, "-c", KILLED, str(epochs), "segment", str(scan), "-o", str(folder / "run"), *words]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    return folder


@pytest.fixture(scope="module")
def killed(scan, tmp_path_factory):
    """Where the second epoch was written."""
    return kill(tmp_path_factory.mktemp("killed"), scan, 2, WORDS)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_killed_process_resumed_gives_the_same_bits(cli, scan, killed, tmp_path):
    assert (killed / "run.checkpoint").is_file()
    assert not (killed / "run").exists()
    assert cli("segment", scan, "-o", killed / "run", *WORDS)[0] == 2
    code, _, said = cli("segment", scan, "-o", killed / "run", *WORDS, "--seed", 1, "--resume")
    assert code == 2
    assert "random_state is 1, there 0" in said
    assert cli("segment", scan, "-o", killed / "run", *WORDS, "--resume")[0] == 0
    assert cli("segment", scan, "-o", tmp_path / "whole", *WORDS)[0] == 0
    resumed, whole = read_arrays(killed / "run"), read_arrays(tmp_path / "whole")
    assert set(resumed) == set(whole)
    assert all(np.array_equal(resumed[name], whole[name]) for name in whole)
    assert not (killed / "run.checkpoint").exists()
    assert read_json(killed / "run")["parameters"]["checkpoint"] is None
    histories = [(folder / "history.jsonl").read_text().splitlines() for folder in (killed / "run", tmp_path / "whole")]
    epochs = [[json.loads(line) for line in lines if "epoch" in json.loads(line)] for lines in histories]
    assert epochs[0] == epochs[1]
    assert [line["epoch"] for line in epochs[0]] == [1, 2, 3, 4]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_killed_in_the_second_phase_of_several_goes_on_there(cli, scan, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    kill(tmp_path / "a", scan, 3, PHASES)
    assert [path.name for path in (tmp_path / "a").iterdir() if not path.name.startswith(".")] == ["run.checkpoint"]
    code, _, said = cli("segment", scan, "-o", tmp_path / "a" / "run", *WORDS, "--resume")
    assert code == 2
    assert "method is 'DeepSpectralClustering', there 'DeepGlobalClustering'" in said
    assert cli("segment", scan, "-o", tmp_path / "whole", *PHASES)[0] == 0
    write, written = Keeper.write, []
    monkeypatch.setattr(Keeper, "write", lambda keeper, epoch: written.append(epoch) or write(keeper, epoch))
    assert cli("segment", scan, "-o", tmp_path / "a" / "run", *PHASES, "--resume")[0] == 0
    assert written == [2]
    resumed, whole = read_arrays(tmp_path / "a" / "run"), read_arrays(tmp_path / "whole")
    assert set(resumed) == set(whole)
    assert all(np.array_equal(resumed[name], whole[name], equal_nan=True) for name in whole)
    assert not (tmp_path / "a" / "run.checkpoint").exists()
    assert read_json(tmp_path / "a" / "run")["learned"] == read_json(tmp_path / "whole")["learned"]


@pytest.mark.parametrize("words", [WORDS, PHASES], ids=["dsc", "dgc"])
def test_an_interruption_says_how_to_go_on(cli, scan, tmp_path, monkeypatch, words):
    write = Keeper.write

    def last(keeper, epoch):
        write(keeper, epoch)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "write", last)
        code, out, said = cli("segment", scan, "-o", tmp_path / "deep" / "run", *words)
    place = tmp_path / "deep" / "run.checkpoint"
    assert (code, out) == (130, "")
    assert said == (
        f"\nspaxel: interrupted; nothing is left half-written. The epochs that are done are in {place}: go on with --resume.\n"
    )
    assert list((tmp_path / "deep").iterdir()) == [place]
    assert cli("segment", scan, "-o", tmp_path / "deep" / "run", *words, "--resume")[0] == 0
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run"]


def interrupted(model, data, out, epochs=2):
    """What a process leaves that ended after so many epochs."""
    model.set_params(checkpoint=str(out) + ".checkpoint", epochs=epochs).fit(data)
    return model.set_params(checkpoint=None, epochs=4)


def model(**other):
    return DeepSpectralClustering(**{"n_clusters": 3, "n_init": 2, "epochs": 4} | other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"random_state": 5}, "random_state is 5, there 0"),
        ({"gamma": 0.5, "patience": 3}, r"gamma is 0\.5, there 0\.1; patience is 3, there 5"),
        ({"epochs": 1}, "1 epochs are asked for, there 2 are done"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(tmp_path, change, message):
    interrupted(model(), CUBE, tmp_path / "run")
    other = model(**change)
    with pytest.raises(ParameterError, match=rf"run\.checkpoint is the checkpoint of another training: .*{message}"):
        fit(other, CUBE, tmp_path / "run", resume=True)
    assert other.checkpoint is None
    assert (tmp_path / "run.checkpoint").is_file()


def test_another_input_is_refused(tmp_path):
    interrupted(model(), CUBE, tmp_path / "run")
    with pytest.raises(ParameterError, match="another training: input is "):
        fit(model(), tiny_cube(20, 17, seed=1), tmp_path / "run", resume=True)


def test_a_checkpoint_that_is_there_is_neither_used_nor_lost_unless_it_is_said(tmp_path):
    place = tmp_path / "run.checkpoint"
    interrupted(model(random_state=1), CUBE, tmp_path / "run")
    held = place.read_bytes()
    with pytest.raises(Exists, match="Try --resume to go on with it, or --overwrite"):
        fit(model(), CUBE, tmp_path / "run")
    assert place.read_bytes() == held
    assert fit(model(), CUBE, tmp_path / "run", overwrite=True) == place
    for make in (lambda: place.write_text("mine"), lambda: save_file({"a": np.ones(2)}, place)):
        make()
        with pytest.raises(Exists, match="was not written by spaxel"):
            fit(model(), CUBE, tmp_path / "run", overwrite=True)


def test_what_can_not_be_resumed(tmp_path):
    with pytest.warns(UserWarning, match="nothing .* to resume from, so the fit begins anew"):
        fit(KMeans(3), CUBE, tmp_path / "run", resume=True)
    with pytest.raises(ParameterError, match="has a checkpoint of its own"):
        fit(model(checkpoint=str(tmp_path / "c")), CUBE, tmp_path / "run", resume=True)
    with pytest.warns(UserWarning, match="the fit begins anew"):
        fit(model(), CUBE, tmp_path / "run", resume=True)
    assert fit(KMeans(3), CUBE, tmp_path / "other") is None
    assert [path.name for path in tmp_path.iterdir()] == ["run.checkpoint"]


def test_epochs_are_told(tmp_path):
    told = []
    with progress(lambda *now: told.append(now[:3]), every=0):
        fit(model(patience=10), CUBE, tmp_path / "run")
    assert [now for now in told if now[0] == "epochs"] == [("epochs", done, 4) for done in range(4)]
    told.clear()
    scan = write_cube(CUBE, tmp_path / "scan.zarr")
    options = {"n_clusters": 3, "n_init": 2, "epochs": 2}
    with progress(lambda *now: told.append(now[:3]), every=0):
        segment([scan], tmp_path / "other", method="dsc", parameters=options)
    assert {("fit: epochs", 0, 2), ("fit: epochs", 1, 2), ("predict: pixels", 340, 340)} <= set(told)


def test_the_history_of_several_cubes_has_a_line_per_epoch(cli, scan, tmp_path):
    other = write_cube(tiny_cube(12, 13, seed=3), tmp_path / "other.zarr")
    assert cli("segment", scan, other, "-o", tmp_path / "run", *WORDS)[0] == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if "epoch" in line] == [1, 2, 3, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.zarr", "run"]
    assert {"torch", "lightning-fabric"} <= set(read_json(tmp_path / "run")["versions"])
