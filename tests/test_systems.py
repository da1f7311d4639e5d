"""What Linux has and macOS or Windows lack is not needed: its absence is simulated."""

import json
import os
import subprocess
import sys
from pathlib import Path

from spaxel.cube import computing
from spaxel.readers.parts import rosetta
from spaxel.store import provenance
from spaxel.store.provenance import peak_memory

ELSEWHERE = (  # the command line, where none of the three is there
    "import os, sys\nif hasattr(os, 'sched_getaffinity'):\n    del os.sched_getaffinity\n"
    "sys.modules['resource'] = None\nfrom pathlib import Path\nfrom spaxel.store import provenance\n"
    "provenance.STATUS = Path('nowhere')\nfrom spaxel.cli import main\nmain(sys.argv[1:])\n"
)


def elsewhere(*words):
    command = [sys.executable, "-c", ELSEWHERE, *map(str, words)]
    # joblib asks for the cores in its own way, and warns on Linux alone where it cannot
    there = os.environ | {"LOKY_MAX_CPU_COUNT": "2"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=there)


def test_segment_where_there_is_no_affinity_and_no_resource(scan, tmp_path):
    ended = elsewhere("segment", scan, "-o", tmp_path / "run", "--n-clusters", 3)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["peak_memory_bytes"] is None


def test_info_where_there_is_no_affinity(scan):
    ended = elsewhere("info", scan)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "a run takes" in ended.stdout


def test_cores_are_those_of_the_process_or_else_of_the_machine(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 4, 5}, raising=False)
    assert computing.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert computing.cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert computing.cores() == 1


def test_peak_memory_is_not_known_where_nobody_counts(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(provenance, "STATUS", Path("nowhere"))
    assert peak_memory() is None


def test_a_file_is_copied_where_links_are_not_allowed(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("A required privilege is not held by the client")

    (tmp_path / "a.dat").write_bytes(b"spectra")
    monkeypatch.setattr(Path, "symlink_to", refuse)
    rosetta._link(tmp_path / "a.dat", tmp_path / "a.hspy")
    assert (tmp_path / "a.hspy").read_bytes() == b"spectra"
