import subprocess
import sys

import numpy as np
import pytest
import torch

from spaxel.cube import make_cube
from spaxel.cube.tiles import CELL, Tile
from spaxel.errors import ParameterError
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dgc.published.numpy_encoder import WIDTH, embed_window, embed_windows
from spaxel.methods.dgc.published.scores import WindowEncoder
from spaxel.methods.registry import load
from spaxel.pace import progress
from spaxel.readers.native import write_cube
from spaxel.results.convention import check_result
from spaxel.testing import tiny_cube

SMALL = {"n_micro": 4, "epochs": 1, "tiles": 1, "reuse": 4, "n_sample": 400, "encoder": "paper"}


def encoder(q=5):
    return WindowEncoder(q, WIDTH, seed=3)


def weights_of(module):
    return {name: value.numpy() for name, value in module.state_dict().items()}


def scene(height, width):
    """Three materials in stripes, with a border of no data above."""
    spectra = tiny_cube(height, width, 9, counts=False)["spectra"].values.copy()
    spectra[:2] = np.nan
    return make_cube(spectra, np.arange(9.0), "nm")


@pytest.mark.parametrize("shape", [(64, 64), (17, 23), (2, 9)])
def test_numpy_and_torch_embed_the_same(shape):
    module, rng = encoder(), np.random.default_rng(0)
    scores = rng.normal(size=(*shape, 5)).astype(np.float32)
    good = rng.random(shape) < 0.9
    with torch.no_grad():
        wanted = module(torch.from_numpy(scores).permute(2, 0, 1)[None], torch.from_numpy(good)[None])[0].numpy()
    found = embed_window(scores * good[..., None], weights_of(module))
    assert np.allclose(found, wanted, atol=1e-5)
    assert np.ptp(found) > 0.5


def test_windows_lie_at_fixed_places_of_the_image_and_the_last_ones_are_moved_inwards():
    weights, image = weights_of(encoder()), (100, 150)
    scores = np.random.default_rng(0).normal(size=(*image, 5)).astype(np.float32)
    whole = embed_windows(scores, weights, Tile(0, 100, 0, 150), image)
    for y, x in ((0, 0), (36, 86), (36, 0)):
        window = embed_window(scores[y : y + CELL, x : x + CELL], weights)
        own = window[:36, :36] if (y, x) == (0, 0) else window if x else window[:, :64]
        height, width = own.shape[:2]
        assert np.array_equal(whole[y : y + height, x : x + width], own)
    part = embed_windows(scores[10:, 20:], weights, Tile(10, 100, 20, 150), image)
    assert np.array_equal(part[26:, 66:], whole[36:, 86:])
    assert not part[:26, :44].any()


@pytest.mark.same_bits
@pytest.mark.parametrize("objective", ["paper", "paper-corrected"])
def test_it_is_trained_saved_and_loaded_and_maps_have_the_same_bits_whatever_the_tiles(objective, tmp_path):
    cube = scene(83, 75)
    model = DeepGlobalClustering(3, objective=objective, **SMALL).fit(cube)
    assert model.state_["encoder.raster.0.weight"].shape == (WIDTH, 9, 9)
    assert model.state_["centers"].shape[1] == WIDTH
    whole = check_result(model.predict(cube))
    assert np.array_equal(whole["labels"].values == -1, np.isnan(cube["spectra"].values).any(2))
    model.memory = 2**23  # tiles of 64 x 64
    assert model.predict(cube.chunk(y=20, x=30)).identical(whole)
    again = load(model.save(tmp_path / "model"))
    assert again.encoder == "paper"
    assert again.predict(cube).identical(whole)


def test_prediction_needs_no_torch(tmp_path):
    path = DeepGlobalClustering(3, objective="paper", **SMALL).fit(tiny_cube(20, 17)).save(tmp_path / "model")
    code = (
        "import sys; from spaxel import load; from spaxel.testing import tiny_cube; "
        f"load({str(path)!r}).predict(tiny_cube(20, 17)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_interrupted_training_goes_on_with_the_same_bits(tmp_path):
    cube, options = tiny_cube(40, 37), {"objective": "paper", **SMALL, "epochs": 2}
    whole = DeepGlobalClustering(3, **options).fit(cube)

    def stop(stage, done, *_):
        if stage == "epochs" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), progress(stop, every=0):
        DeepGlobalClustering(3, checkpoint=str(tmp_path / "c"), **options).fit(cube)
    resumed = DeepGlobalClustering(3, checkpoint=str(tmp_path / "c"), **options).fit(cube)
    assert resumed.info_ == whole.info_
    for name, value in whole.state_.items():
        np.testing.assert_array_equal(value, resumed.state_[name])


def test_the_stable_objective_does_not_train_it():
    with pytest.raises(ParameterError, match=r"encoder is 'paper', which objective 'stable' .* Try objective='paper'"):
        DeepGlobalClustering(3, encoder="paper").fit(tiny_cube(20, 17))


def test_the_command_trains_it(cli, tmp_path):
    path = write_cube(tiny_cube(20, 17), tmp_path / "scan.zarr")
    options = ["--method", "dgc", "--objective", "paper", "--n-clusters", 3]
    options += [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    code, _, said = cli("segment", path, "-o", tmp_path / "run", *options)
    assert code == 0, said
    code, _, said = cli("predict", tmp_path / "run", path, "-o", tmp_path / "again")
    assert code == 0, said
    options[3] = "stable"
    code, _, said = cli("segment", path, "-o", tmp_path / "other", *options)
    assert code == 2
    assert "Try objective='paper'" in said
