"""Ctrl-C in the middle of a stage: exit 130, the old run as it was, nothing half-written."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

STAGES = ["open_cube", "write_arrays", "write_result", "write_json", "write_history", "reporting.report"]


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("stage", STAGES)
def test_interrupted_segment(cli, scan, own_run, tmp_path, monkeypatch, stage):
    before = content(own_run)
    monkeypatch.setattr(f"spaxel.workflow.runs.{stage}", interrupt)
    code, out, err = cli("segment", "--method=kmeans", scan, "-o", own_run, "--overwrite", "--n-clusters", 2)
    assert (code, out) == (130, "")
    assert err == "\nspaxel: interrupted; nothing is left half-written.\n"
    assert content(own_run) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("verb", ["cut", "predict", "new"])
def test_interrupted_at_the_last_step(cli, scan, own_run, tmp_path, monkeypatch, verb):
    before = content(own_run)
    monkeypatch.setattr(f"spaxel.{'workflow.recut' if verb == 'cut' else 'workflow.runs'}.reporting.report", interrupt)
    arguments = {
        "cut": ["cut", own_run, 2],
        "predict": ["predict", own_run, scan, "-o", tmp_path / "deep" / "new"],
        "new": ["segment", "--method=kmeans", scan, "-o", tmp_path / "deep" / "er" / "new", "--n-clusters", 2],
    }[verb]
    assert cli(*arguments)[0] == 130
    assert content(own_run) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_interrupted_convert_and_simulate(cli, tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.ones((3, 4, 5)))
    monkeypatch.setattr("spaxel.readers.native._pieces", interrupt)
    assert cli("convert", tmp_path / "a.npy", tmp_path / "a.zarr")[0] == 130
    assert cli("simulate", "maxrf", tmp_path / "b.zarr", "--size", "8x8")[0] == 130
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_real_process_that_is_interrupted(scan, own_run, tmp_path):
    """The process tells when it has begun to fit, sleeps there, and gets SIGINT, which a shell's background jobs ignore."""
    program = (
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from spaxel.workflow import runs\nfrom spaxel.cli import main\n"
        "def slow(*_):\n    print('here', flush=True)\n    time.sleep(60)\n"
        "runs.write_arrays = slow\nmain(sys.argv[1:])\n"
    )
    before = content(own_run)
    command = [
        sys.executable,
        "-c",
        program,
        "segment",
        "--method=kmeans",
        str(scan),
        "-o",
        str(own_run),
        "--overwrite",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        assert any("partial" in path.name for path in tmp_path.iterdir())
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert content(own_run) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
