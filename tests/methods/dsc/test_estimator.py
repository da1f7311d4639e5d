import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from spaxel.cube import make_cube
from spaxel.errors import CubeError, ParameterError
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.registry import load
from spaxel.pace import progress
from spaxel.readers.native import write_cube
from spaxel.readers.registry import open_cube
from spaxel.results.cut import cut
from spaxel.results.presence import presence
from spaxel.synth import simulate
from spaxel.testing import check_method, tiny_cube

CUBE = tiny_cube(40, 37)


def noisy(seed=0, size=30):
    """Four halves of an image that differ by less than the noise of a pixel: what neighbours can tell."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(size)[:, None] * 2 // size) * 2 + np.arange(size)[None] * 2 // size
    shapes = rng.dirichlet(np.full(24, 3.0), 4)
    spectra = rng.poisson(25 * shapes[labels]).astype(np.uint16)
    return make_cube(spectra, 1 + np.arange(24.0), "keV"), labels


@parametrize_with_checks([DeepSpectralClustering(n_clusters=3, epochs=2, n_init=2)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_clusters": 3, "epochs": 2},
        {"n_clusters": 3, "epochs": 2, "context": 3, "net": "conv", "objective": "vade", "n_latent": 2},
    ],
)
def test_method_contract(parameters):
    check_method(DeepSpectralClustering(n_init=2, **parameters))


@pytest.mark.parametrize("counts", [True, False])
def test_known_regions_are_found(counts):
    cube = tiny_cube(40, 37, counts=counts)
    model = DeepSpectralClustering(n_clusters=3, epochs=4).fit(cube)
    assert model.info_["likelihood"] == ("multinomial" if counts else "gaussian")
    result = model.predict(cube)
    assert adjusted_rand_score(cube["truth_labels"].values.ravel(), result["labels"].values.ravel()) > 0.99


def test_auto_keeps_every_level_for_cut_and_a_range_keeps_its_curve():
    model = DeepSpectralClustering(epochs=2, max_clusters=8, n_init=2).fit(CUBE)
    result = model.predict(CUBE)
    assert result.attrs["n_components"] == 3
    assert cut(result, 2).sizes["component"] == 2
    model = DeepSpectralClustering("2:5", epochs=2, n_init=2).fit(CUBE)
    curve = model.info_["deep"]["silhouette"]
    assert list(curve) == ["2", "3", "4", "5"]
    assert model.info_["n_components"] == int(max(curve, key=curve.get)) == 3
    assert model.info_["sentence"].startswith("3 components, the number from 2 to 5 whose silhouette is highest. ")
    assert (
        DeepSpectralClustering(3, epochs=0, n_init=2).fit(CUBE).info_["sentence"].startswith("3 components, as asked.")
    )


def test_the_answer_is_never_worse_than_the_linear_start_by_the_criterion_and_says_what_changed():
    cube, labels = noisy()
    model = DeepSpectralClustering(4, context=3, epochs=6, n_init=3).fit(cube)
    found = model.info_["deep"]
    assert found["criterion"][found["kept"]] == max(found["criterion"].values()) > 1.05 * found["criterion"]["linear"]
    assert 0 < found["changed"] < 1
    said = {
        "neighbours": "kept, averaged with neighbours (",
        "deep": f"it changed {found['changed']:.1%} of the labels",
    }
    assert said[found["kept"]] in model.info_["sentence"]
    linear = DeepSpectralClustering(4, epochs=0, n_init=3).fit(cube)
    assert linear.info_["deep"]["kept"] == "linear"
    ours, theirs = (
        adjusted_rand_score(labels.ravel(), m.predict(cube)["labels"].values.ravel()) for m in (model, linear)
    )
    assert ours > theirs + 0.05


def test_history_tells_every_epoch():
    model = DeepSpectralClustering(3, epochs=4, patience=10).fit(CUBE)
    lines = model.info_["history"]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert {"total", "reconstruction", "clustering", "held_out", "criterion", "kept"} <= set(lines[-1])


@pytest.mark.parametrize("stream", [False, True])
def test_resume_gives_the_same_bits(tmp_path, stream):
    options = {"n_clusters": 4, "n_sample": 400, "stream": stream, "n_init": 2, "context": 3}
    cube = noisy()[0]
    whole = DeepSpectralClustering(epochs=5, **options).fit(cube)
    for epochs in (2, 5):
        part = DeepSpectralClustering(epochs=epochs, checkpoint=str(tmp_path / "c.safetensors"), **options).fit(cube)
    assert all(np.array_equal(whole.state_[name], part.state_[name]) for name in whole.state_)
    assert part.info_["history"] == whole.info_["history"]


def raman():
    rng = np.random.default_rng(0)
    axis = np.linspace(200.0, 1800, 40)
    bands = np.exp(-(((axis - np.array([[500.0], [900], [1400]])) / 40) ** 2))
    labels = np.arange(18)[:, None] * 3 // 18 + np.zeros(16, int)
    return make_cube(bands[labels] * 80 + 5 + rng.normal(0, 1, (18, 16, 40)), axis, "1/cm")


KINDS = {
    "galaxy": lambda: simulate("ifu", height=20, width=20, seed=3).isel(channel=slice(0, 200)).compute(),
    "reflectance": lambda: tiny_cube(20, 17, counts=False),
    "raman": raman,
    "negative": lambda: tiny_cube(20, 17, counts=False).assign(
        spectra=tiny_cube(20, 17, counts=False)["spectra"] - 0.3
    ),
    "counts": lambda: tiny_cube(20, 17),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("context", [0, 3])
def test_a_fit_to_any_kind_of_data_that_is_interrupted_goes_on_with_the_same_bits(tmp_path, kind, context):
    cube, place = KINDS[kind](), str(tmp_path / "c.safetensors")
    options = {"n_clusters": 3, "epochs": 3, "n_init": 2, "context": context}
    whole = DeepSpectralClustering(**options).fit(cube)
    assert len(whole.info_["history"]) == 3

    def stop(stage, done, *_):
        if stage == "epochs" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), progress(stop, every=0):
        DeepSpectralClustering(checkpoint=place, **options).fit(cube)
    resumed = DeepSpectralClustering(checkpoint=place, **options).fit(cube)
    assert all(np.array_equal(whole.state_[name], resumed.state_[name], equal_nan=True) for name in whole.state_)
    assert resumed.info_ == whole.info_


@pytest.mark.parametrize("context", [0, 3])
def test_the_trained_net_can_be_had_where_the_criterion_refuses_it(context, tmp_path):
    options = {"n_clusters": 3, "epochs": 3, "n_init": 2, "margin": 10, "context": context}
    best = DeepSpectralClustering(**options).fit(CUBE)
    assert best.info_["deep"]["kept"] != "deep"
    model = DeepSpectralClustering(keep="trained", **options).fit(CUBE)
    found = model.info_["deep"]
    assert found["kept"] == "deep"
    assert found["epoch"] == found["epochs"] == 3
    assert [line["kept"] for line in model.info_["history"]] == [0, 0, 1]
    assert "It was asked for: the criterion would have kept the linear start" in model.info_["sentence"]
    assert np.abs(model.state_["encoder.mean.weight"]).max() > 0
    again = load(model.save(tmp_path / "model"))
    assert again.keep == "trained"
    assert again.predict(CUBE).identical(model.predict(CUBE))


def test_of_a_net_that_was_not_trained_the_linear_start_is_kept():
    model = DeepSpectralClustering(3, keep="trained", epochs=0, n_init=2).fit(CUBE)
    assert model.info_["deep"]["kept"] == "linear"
    assert "Nothing was trained" in model.info_["sentence"]


def test_the_command_fits_what_is_no_counts_and_keeps_the_trained_net_where_asked(cli, tmp_path):
    path = write_cube(KINDS["galaxy"](), tmp_path / "galaxy.zarr")
    options = ["--method", "dsc", "--n-clusters", 3, "--epochs", 2, "--n-init", 2, "--keep", "trained"]
    code, _, said = cli("segment", path, "-o", tmp_path / "run", *options)
    assert code == 0, said
    assert load(tmp_path / "run").info_["deep"]["kept"] == "deep"
    code, _, said = cli("segment", path, "-o", tmp_path / "other", *options[:-1], "worst")
    assert code == 2
    assert "keep" in said


def test_numbers_of_numpy_are_parameters_like_others(tmp_path):
    place = str(tmp_path / "c")
    for number, gamma in ((np.int64(3), np.float64(0.1)), (3, 0.1)):
        DeepSpectralClustering(number, gamma=gamma, epochs=1, n_init=1, checkpoint=place).fit(CUBE)
    with pytest.raises(ParameterError, match=r"gamma is 0\.2, there 0\.1"):
        DeepSpectralClustering(3, gamma=np.float64(0.2), epochs=1, n_init=1, checkpoint=place).fit(CUBE)


@pytest.mark.same_bits
@pytest.mark.parametrize("context", [0, 5])
def test_tiles_do_not_matter(context):
    cube = tiny_cube(70, 66)
    model = DeepSpectralClustering(3, context=context, epochs=2, n_init=2, n_sample=500).fit(cube)
    one = model.predict(cube)
    model.memory = 2**18
    assert model.predict(cube).identical(one)


def test_prediction_needs_no_torch(tmp_path):
    path = DeepSpectralClustering(3, epochs=1, n_init=2).fit(CUBE).save(tmp_path / "model")
    code = (
        "import sys; from spaxel import load; from spaxel.testing import tiny_cube; "
        f"load({str(path)!r}).predict(tiny_cube(40, 37)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_labels_mean_the_same_on_another_cube_and_another_axis_is_refused(tmp_path):
    model = load(DeepSpectralClustering(3, epochs=2, n_init=2).fit(CUBE).save(tmp_path / "model"))
    one, other = model.predict([CUBE, tiny_cube(40, 37, seed=9).isel(y=slice(None, None, -1))])
    assert (one["labels"].values == other["labels"].values[::-1]).mean() > 0.99
    with pytest.raises(CubeError, match="12 channels, the model 11"):
        model.predict(tiny_cube(channels=12))


def test_several_cubes_share_their_labels():
    cubes = [CUBE.isel(y=slice(0, 25)), tiny_cube(40, 37, seed=9).isel(y=slice(15, None), x=slice(None, None, -1))]
    model = DeepSpectralClustering(3, epochs=2, n_init=2).fit(cubes)
    results = model.predict(cubes)
    truth, labels = (
        np.concatenate([part[name].values.ravel() for part in parts])
        for parts, name in ((cubes, "truth_labels"), (results, "labels"))
    )
    assert adjusted_rand_score(truth, labels) > 0.99
    assert model.predict(cubes[1])["labels"].equals(results[1]["labels"])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (tiny_cube(channels=12), "12 channels, the first cube 11"),
        (tiny_cube(counts=False), "axis in nm, the first cube in keV"),
        (make_cube(CUBE["spectra"].values, np.arange(11.0), "keV"), r"covers 0\.\.10 keV, the first cube 1\.\.6 keV"),
    ],
)
def test_several_cubes_on_other_axes_are_refused(other, message):
    with pytest.raises(CubeError, match=message):
        DeepSpectralClustering(3, epochs=1).fit([CUBE, other])


def test_half_precision_gives_the_same_labels():
    cube = noisy(2, 40)[0]  # the net is kept by far
    models = [
        DeepSpectralClustering(4, context=3, epochs=6, n_init=3, batch=128, precision=precision).fit(cube)
        for precision in ("32-true", "bf16-mixed")
    ]
    assert [model.info_["deep"]["kept"] for model in models] == ["deep", "deep"]
    assert not np.array_equal(*(model.state_["encoder.mean.weight"] for model in models))
    labels = [model.predict(cube)["labels"].values.ravel() for model in models]
    assert adjusted_rand_score(*labels) > 0.95


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_gpu_gives_the_same_labels(precision):
    cube, options = noisy()[0], {"context": 3, "epochs": 6, "n_init": 3, "batch": 128}
    models = [DeepSpectralClustering(4, **options).fit(cube)]
    models.append(DeepSpectralClustering(4, device="cuda", precision=precision, **options).fit(cube))
    labels = [model.predict(cube)["labels"].values.ravel() for model in models]
    assert adjusted_rand_score(*labels) > 0.95


def test_streaming_a_cube_on_disk_gives_the_bits_of_memory_and_a_larger_one_takes_no_more(tmp_path):
    rng = np.random.default_rng(0)
    rates = np.kron(rng.gamma(2, 3, (4, 4, 24)), np.ones((64, 48, 1)))
    small = make_cube(rng.poisson(rates).astype(np.uint16), np.arange(1.0, 25), "keV")
    large = xr.concat([small, small], dim="x")
    options = {
        "n_sample": 500,
        "stream": True,
        "epochs": 2,
        "n_init": 1,
        "memory": 2**20,
        "n_clusters": 3,
        "scaling": "counts",
    }
    peaks, states = [], []
    for name, cube in (("small", small), ("large", large)):
        lazy = open_cube(write_cube(cube, tmp_path / f"{name}.zarr"))
        tracemalloc.start()
        states.append(DeepSpectralClustering(**options).fit(lazy).state_)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 0.1 * small["spectra"].nbytes
    held = DeepSpectralClustering(**options).fit(large).state_
    assert all(np.array_equal(states[1][name], held[name]) for name in held)


@pytest.mark.parametrize("context", [0, 3])
def test_what_is_present_and_what_is_new_is_known(context):
    here, again = (simulate("maxrf", height=48, width=48, channels=96, seed=s).compute() for s in (3, 13))
    more = simulate("maxrf", height=48, width=48, channels=96, seed=23, n_pigments=8).compute()
    model = DeepSpectralClustering(6, context=context, epochs=6, n_init=3, batch=128).fit(here)
    found, new = (presence(model.predict(cube)) for cube in (again, more))
    assert found.present[:-1].all()
    assert found.drift == pytest.approx(1, abs=0.15)
    assert not found.present[-1]
    assert new.present[-1]
    assert new.share[-1] > 0.05
    mistaken = model.predict(here)["micro_mistaken"]
    assert (np.diag(mistaken) > 0.5 * mistaken.sum("again")).all()


def test_embedded_spectra_lie_at_their_centres():
    model = DeepSpectralClustering(3, epochs=2, n_init=2).fit(CUBE)
    z = model.embed(CUBE["spectra"].values.reshape(-1, 11))
    near = ((z[:, None] - model.state_["centers"]) ** 2).sum(2).argmin(1)
    labels = model.state_["component"][near]
    assert (labels == model.predict(CUBE)["labels"].values.ravel()).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": "9:3"}, "n_clusters is '9:3'"),
        ({"context": 4}, "context is 4, expected 0 or an odd number"),
        ({"objective": "gan"}, "objective of DeepSpectralClustering is 'gan'"),
        ({"likelihood": "poisson"}, "likelihood is 'poisson'.*Try gaussian"),
    ],
)
def test_wrong_parameters_are_explained(parameters, message):
    cube = make_cube(tiny_cube(counts=False)["spectra"].values - 1)
    with pytest.raises(ParameterError, match=message):
        DeepSpectralClustering(**parameters).fit(cube)


@pytest.mark.parametrize(
    "spectra",
    [
        np.full((5, 4, 3), 2.0),
        np.full((6, 5, 4), 255, np.uint8),
        np.array([[[1.0, 2, 3]]]),
        np.array([1.0, 1.1, 9, 9.2, 1, 1]).reshape(2, 3, 1),
        np.eye(12).reshape(3, 4, 12),
    ],
)
@pytest.mark.parametrize("context", [0, 3])
def test_degenerate_cubes_get_an_answer(spectra, context):
    cube = make_cube(spectra)
    scaling = "none" if cube.sizes["channel"] == 1 else "auto"
    model = DeepSpectralClustering(2, context=context, epochs=2, scaling=scaling).fit(cube)
    labels = model.predict(cube)["labels"].values
    assert ((labels >= 0) & (labels < 2)).all()


def test_pixels_without_data_get_no_label_and_do_not_reach_their_neighbours():
    spectra = CUBE["spectra"].values.astype(float)
    holes = spectra.copy()
    holes[10], holes[20], holes[25, :, 3] = 0, np.nan, np.nan
    model = DeepSpectralClustering(3, context=3, epochs=2, n_init=2).fit(make_cube(holes))
    labels = model.predict(make_cube(holes))["labels"].values
    assert (labels[[10, 20]] == -1).all()
    assert (np.delete(labels, [10, 20], axis=0) >= 0).all()
