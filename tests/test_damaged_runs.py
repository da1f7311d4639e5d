"""Runs that are damaged or edited: every verb answers or says in one line what is wrong. More: benchmarks/fuzz_runs.py."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

HARNESS = Path(__file__).parents[1] / "benchmarks" / "fuzz_runs.py"


@pytest.fixture(scope="module")
def fuzz():
    if not HARNESS.is_file():
        pytest.skip("the benchmarks are not at hand, as in a wheel")
    import sys

    sys.path.insert(0, str(HARNESS.parent))
    spec = importlib.util.spec_from_file_location("fuzz_runs", HARNESS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "place", ["run.json, a value", "arrays, a value", "result, metadata", "result, a chunk", "result, an array"]
)
def test_every_verb_answers_or_says_what_is_wrong(fuzz, place, scan_run, scan, tmp_path, cli):
    refused = 0
    for i in range(8):
        rng = np.random.default_rng([7, i])
        run, out = shutil.copytree(scan_run, tmp_path / f"run{i}"), tmp_path / f"out{i}"
        out.mkdir()
        fuzz.PLACES[place](run, rng)
        lines = list(fuzz.verbs(run, scan, scan_run, out).values())
        code, _, error = cli(*lines[rng.integers(len(lines))])
        assert code in (0, 2), error
        assert "Traceback" not in error
        refused += code == 2
    assert refused >= 2


def test_a_model_whose_parts_do_not_fit_is_refused(own_run, scan, tmp_path, cli):
    from spaxel.store.run_folder import read_arrays, write_arrays

    arrays = read_arrays(own_run)
    write_arrays(own_run, arrays | {"centers": arrays["centers"][:, :-1]})
    code, _, error = cli("predict", own_run, scan, "-o", tmp_path / "out")
    assert code == 2
    assert "does not fit together" in error
    assert not (tmp_path / "out").exists()


def test_a_damaged_run_stays_as_it_is_when_it_is_cut(own_run, cli):
    for chunk in (own_run / "result.zarr" / "micro_labels").rglob("c/*/*"):
        chunk.write_bytes(chunk.read_bytes()[:-5])
    before = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}
    code, _, error = cli("cut", own_run, "2")
    assert code == 2
    assert "micro_labels is damaged" in error
    assert {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()} == before
