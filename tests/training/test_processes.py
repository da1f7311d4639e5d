"""Two processes of torchrun on the CPU (gloo): they agree with each other to the bit, and with one alone up to rounding."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.metrics import adjusted_rand_score

from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_arrays
from spaxel.training.loop import _own

OPTIONS = {"n_clusters": 4, "context": 3, "epochs": 6, "n_init": 3, "batch": 128, "random_state": 0, "stream": True}
PROGRAM = """
import json, os, sys
from safetensors.numpy import save_file
from spaxel import open_cube
from spaxel.cli import main
from spaxel.methods.dsc.estimator import DeepSpectralClustering
scan, out, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
model = DeepSpectralClustering(**options).fit(open_cube(scan))
save_file(model.state_, f"{out}/{os.environ['RANK']}")
with open(f"{out}/{os.environ['RANK']}.json", "w") as file:
    json.dump(model.info_["history"], file)
words = [w for name, value in options.items() if name != "random_state" for w in (f"--{name.replace('_', '-')}", str(value))]
main(["segment", scan, "-o", f"{out}/run", "--method", "dsc", *words])
"""


def scene(size=30):
    """Four halves of an image that differ by less than the noise of a pixel: training changes the labels here."""
    rng = np.random.default_rng(0)
    labels = (np.arange(size)[:, None] * 2 // size) * 2 + np.arange(size)[None] * 2 // size
    spectra = rng.poisson(25 * rng.dirichlet(np.full(24, 3.0), 4)[labels]).astype(np.uint16)
    return make_cube(spectra, 1 + np.arange(24.0), "keV")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The folder where two processes left their states, histories and the run."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "program.py").write_text(PROGRAM)
    scan = write_cube(scene(), folder / "scan.zarr")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    given = [str(folder / "program.py"), str(scan), str(folder), json.dumps(OPTIONS)]
    ended = subprocess.run(
        [*launch, *given],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder


def test_both_come_to_the_same_bits(pair):
    one, other = load_file(pair / "0"), load_file(pair / "1")
    assert set(one) == set(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert (pair / "0.json").read_text() == (pair / "1.json").read_text()


def test_together_they_take_the_steps_of_one(pair):
    alone = DeepSpectralClustering(**OPTIONS).fit(scene())
    assert alone.info_["deep"]["kept"] == "deep"
    both, history = load_file(pair / "0"), json.loads((pair / "0.json").read_text())
    for name, value in alone.state_.items():
        if name.startswith(("encoder", "decoder", "centroids")):
            scale = np.abs(value).max(initial=1e-3)
            np.testing.assert_allclose(both[name] / scale, value / scale, atol=1e-4, err_msg=name)
    for ours, theirs in zip(history, alone.info_["history"], strict=True):
        assert ours["total"] == pytest.approx(theirs["total"], rel=1e-5)
    split = alone.__class__(**OPTIONS)
    split.state_, split.info_, split.n_features_in_ = both, alone.info_, 24
    labels = [model.predict(scene())["labels"].values.ravel() for model in (alone, split)]
    assert adjusted_rand_score(*labels) > 0.98


def test_the_command_line_writes_one_run(pair):
    assert sorted(path.name for path in pair.iterdir() if path.name not in ("0", "1", "0.json", "1.json")) == [
        "program.py", "run", "scan.zarr",
    ]  # fmt: skip
    run, both = read_arrays(pair / "run"), load_file(pair / "0")
    assert all(np.array_equal(run[name], both[name]) for name in run)


@pytest.mark.parametrize("world", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [2, 3, 8, 13])
def test_each_row_of_a_batch_is_taken_once_and_means_stay_means(n, world):
    import torch

    values = torch.arange(n, dtype=torch.float64)
    parts = [_own((values, values * 2), rank, world) for rank in range(world)]
    mean = sum(weight * part[0].mean() for part, weight in parts) / world
    assert float(mean) == pytest.approx((n - 1) / 2)
    if world <= n:
        assert sorted(torch.cat([part[0] for part, _ in parts]).tolist()) == list(range(n))
    assert all(torch.equal(part[1], 2 * part[0]) for part, _ in parts)
    assert torch.equal(_own(values, 0, world)[0], parts[0][0][0])


def test_batches_that_are_no_rows_are_for_one_process_alone():
    import torch

    for batch in ((torch.zeros(4), 3), (torch.zeros(4), torch.zeros(5)), ([1, 2], torch.zeros(2))):
        assert _own(batch, 0, 1) == (batch, 1.0)
        with pytest.raises(ParameterError, match="without torchrun"):
            _own(batch, 0, 2)
