import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score

from spaxel.cube import make_cube
from spaxel.errors import CubeError, LostWarning, ParameterError
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.registry import load
from spaxel.pace import progress
from spaxel.readers.native import write_cube
from spaxel.results.convention import check_result
from spaxel.results.cut import cut
from spaxel.testing import check_method, tiny_cube

SMALL = {"epochs": 2, "tiles": 2, "reuse": 2, "epochs_views": 1, "n_micro": 8, "n_sample": 500, "width": 16}
AXIS = 400.0 + 10 * np.arange(12)


def regions(seed=0, size=48):
    """Three regions of one material each, under light that changes, with noise. The shapes are the same for every seed."""
    rng = np.random.default_rng(seed)
    half = np.arange(size) * 2 // size
    labels = np.minimum(half[:, None] * 2 + half[None], 2)
    shapes = np.stack([0.6 + 0.3 * np.sin(np.linspace(0, 3, 12) + phase) for phase in (0, 2, 4)])
    light = 1 + 0.1 * np.sin(np.arange(size) / 3)[:, None] * np.cos(np.arange(size) / 4)[None]
    spectra = shapes[labels] * light[..., None] + rng.normal(0, 0.05, (size, size, 12))
    return make_cube(spectra.astype(np.float32), AXIS, "nm"), labels


CUBE, LABELS = regions()


def rand_index(truth, result):
    return adjusted_rand_score(truth.ravel(), result["labels"].values.ravel())


def fitted(cube=CUBE, number=3, **options):
    return DeepGlobalClustering(number, **{**SMALL, **options}).fit(cube)


@pytest.fixture(scope="module")
def model():
    return fitted()


def test_method_contract():
    check_method(DeepGlobalClustering(3, **SMALL))


@pytest.mark.parametrize("linkage", ["border", "contact", "centroid"])
def test_known_regions_are_found_and_every_level_is_kept(linkage):
    result = fitted(number="auto", linkage=linkage).predict(CUBE)
    assert rand_index(LABELS, result if linkage == "border" else cut(result, 3)) > 0.9
    assert [cut(result, level).sizes["component"] for level in (2, 5)] == [2, 5]


def test_what_the_training_did_is_told(model):
    lines, found = model.info_["history"], model.info_["deep"]
    assert [line["phase"] for line in lines] == [1, 1, 2]
    assert {"denoising", "held_out", "score"} <= set(lines[0])
    assert {"swapped", "hinge", "agreement", "information", "kept"} <= set(lines[2])
    assert 0 <= found["agreement"][0] <= 1
    assert 0 <= found["changed"] <= 1
    assert found["kept"] in (0, 1)
    assert found["sentence"] in model.info_["sentence"]


def test_without_views_the_clusters_of_the_denoised_spectra_are_kept():
    model = fitted(epochs_views=0)
    assert "views were not asked to agree" in model.info_["sentence"]
    assert rand_index(LABELS, model.predict(CUBE)) > 0.9


def test_the_seed_decides(model):
    again, other = fitted().state_, fitted(random_state=1).state_
    assert all(np.array_equal(value, again[name], equal_nan=True) for name, value in model.state_.items())
    assert not np.array_equal(again["encoder.last.weight"], other["encoder.last.weight"])


def test_several_cubes_share_their_labels():
    pair = [CUBE, regions(7)[0].isel(y=slice(None, None, -1))]
    model = fitted(pair)
    results = model.predict(pair)
    both = xr.concat([results[0]["labels"], results[1]["labels"].isel(y=slice(None, None, -1))], dim="y")
    assert adjusted_rand_score(np.concatenate([LABELS, LABELS]).ravel(), both.values.ravel()) > 0.9
    assert model.predict(pair[1])["labels"].equals(results[1]["labels"])


def test_a_saved_model_predicts_the_same_without_torch(model, tmp_path):
    path = model.save(tmp_path / "model")
    xr.testing.assert_identical(load(path).predict(CUBE), model.predict(CUBE))
    write_cube(CUBE, tmp_path / "cube.zarr")
    code = (
        "import sys; from spaxel import load; from spaxel.readers.registry import open_cube; "
        f"load({str(path)!r}).predict(open_cube({str(tmp_path / 'cube.zarr')!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("dtype", [">u2", "int64", ">f8", "float64"])
def test_the_kind_of_number_does_not_matter(model, dtype):
    scale = 1 if "f" in dtype else 10_000
    cube = make_cube(np.maximum(scale * CUBE["spectra"].values, 0).astype(dtype), AXIS, "nm")
    assert rand_index(LABELS, fitted(cube).predict(cube)) > 0.9


def test_pixels_without_data_get_no_label_and_disturb_no_training():
    spectra = np.full((140, 150, 12), np.nan, np.float32)
    spectra[90:138, 100:148] = CUBE["spectra"].values
    cube = make_cube(spectra, AXIS, "nm")
    with pytest.warns(LostWarning, match="without any finite value"):
        labels = fitted(cube, reuse=6, tiles=4).predict(cube)["labels"].values
    assert adjusted_rand_score(LABELS.ravel(), labels[90:138, 100:148].ravel()) > 0.9
    assert np.array_equal(labels >= 0, np.isfinite(spectra).all(2))


def test_another_axis_is_refused(model):
    with pytest.raises(CubeError, match="11 channels, the model 12"):
        model.predict(CUBE.isel(channel=slice(1, None)))


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (np.random.default_rng(0).random((40, 12)), "this is a table of spectra"),
        (CUBE.isel(y=[3]), "the cube is 1 x 48 pixels, a line that has none"),
        ([CUBE, CUBE.isel(x=[1])], "the cube is 48 x 1 pixels, a line that has none"),
        (CUBE.isel(y=[0], x=[1]).assign_attrs(source="a.hdr"), r"a\.hdr is 1 x 1 pixels"),
    ],
)
def test_a_table_or_a_line_is_refused_and_what_takes_one_is_named(table, what, model):
    for told in (DeepGlobalClustering().fit, model.predict):
        with pytest.raises(CubeError, match=f"surroundings of pixels, and {what}.* Try KMeans"):
            told(table)


def test_images_without_surroundings_or_data_are_refused():
    spectra = CUBE["spectra"].values
    scattered = (np.add.outer(np.arange(48), np.arange(48)) % 2).astype(bool)
    for few in (make_cube(spectra[:2, :2], AXIS, "nm"), make_cube(spectra, AXIS, "nm", valid=scattered)):
        with pytest.raises(
            CubeError, match=r"found [02] of them, where 10 are needed\. Try a larger part .* or KMeans"
        ):
            fitted(few)
    nothing = ({"valid": np.zeros((48, 48), bool)}, {"factor": np.nan}, {"factor": 0})
    for given in nothing:
        cube = make_cube(given.get("factor", 1) * spectra, AXIS, "nm", valid=given.get("valid"))
        with pytest.raises(CubeError, match="No pixel holds data"):
            fitted(cube)


@pytest.mark.parametrize(
    ("factor", "found"), [(1e-30, True), (1e-18, True), (1e25, True), (1e32, False), (1e-34, False)]
)
def test_the_unit_of_the_spectra_does_not_matter_as_far_as_they_can_be_computed_with(factor, found):
    cube = make_cube(CUBE["spectra"].values.astype(float) * factor, AXIS, "nm")
    if found:
        assert rand_index(LABELS, fitted(cube).predict(cube)) > 0.9
    else:
        with pytest.raises(CubeError, match="cannot be computed with"):
            fitted(cube)


HALVES = make_cube(np.kron(np.array([[[1.0, 2, 3]], [[3, 2, 1]]]), np.ones((10, 20, 1))))


@pytest.mark.parametrize(
    "cube",
    [
        make_cube(np.ones((20, 21, 5))), make_cube(np.full((20, 21, 5), 255, np.uint8)), HALVES,
        CUBE.isel(y=slice(3), x=slice(5)), CUBE.isel(channel=[2]),
        make_cube((CUBE["spectra"].values[:, :, :7] > 0.65).astype("u1") + 1),
    ],
    ids=["ones", "saturated", "no noise", "15 pixels", "one channel", "two values"],
)  # fmt: skip
def test_where_nothing_differs_or_little_is_seen_there_is_a_sensible_answer(cube):
    result = check_result(fitted(cube, "auto").predict(cube))
    assert result["labels"].values.min() == 0
    assert cube is not HALVES or set(np.unique(result["labels"].values)) == {0, 1}


def test_pixels_that_are_marked_or_hold_no_numbers_get_no_label():
    spectra, valid = CUBE["spectra"].values.copy(), np.ones((48, 48), bool)
    spectra[5:9], spectra[20], spectra[:, 3, 2], valid[30:33] = np.inf, 0, np.nan, False
    cube = make_cube(spectra, AXIS, "nm", valid=valid)
    good = (np.isfinite(spectra) & (spectra != 0)).any(
        2
    ) & valid  # the third column lacks one channel, which is completed
    with pytest.warns(LostWarning, match="144 marked"):
        labels = fitted(cube).predict(cube)["labels"].values
    assert np.array_equal(labels >= 0, good)
    assert adjusted_rand_score(LABELS[good], labels[good]) > 0.9


def test_more_components_than_small_clusters_are_not_made_and_it_is_said():
    model = fitted(number=20)
    assert model.info_["n_components"] == 8
    assert "not 20 as asked" in model.info_["sentence"]


def test_wrong_parameters_are_named():
    for wrong in ({"linkage": "ward"}, {"epochs": 0}, {"n_micro": 1}, {"vary": -1}, {"device": "tpu"}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            DeepGlobalClustering(**wrong).fit(CUBE)


def test_progress_of_both_phases_is_told_and_the_cube_is_left_alone():
    told, cube = [], CUBE.copy(deep=True)
    with progress(lambda *at: told.append(at[:3]), every=0):
        DeepGlobalClustering(3, **SMALL).fit(cube)
    assert [at for at in told if at[0] == "denoising"] == [("denoising", 0, 2), ("denoising", 1, 2)]
    assert ("agreement", 0) in [at[:2] for at in told]
    assert cube.identical(CUBE)


STEADY = SMALL | {"epochs_views": 2}


def stopped(after, cube=CUBE, **options):
    """A fit to a cube that is interrupted when so many epochs of both phases are done, or goes on to its end."""
    told = []

    def tell(stage, *at):
        if stage in ("denoising", "agreement"):
            if len(told) == after:
                raise KeyboardInterrupt
            told.append(at[:2])

    model = DeepGlobalClustering(3, **{**STEADY, **options})
    try:
        with progress(tell, every=0):
            model.fit(cube)
    except KeyboardInterrupt:
        assert len(told) == after
    return model, told


@pytest.fixture(scope="module")
def whole():
    return stopped(None)


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_fit_interrupted_after_any_epoch_goes_on_with_the_same_bits(whole, after, tmp_path):
    place, (straight, epochs) = str(tmp_path / "c"), whole
    stopped(after, checkpoint=place)
    model, told = stopped(None, checkpoint=place, memory=2**24)
    assert told == epochs[after:] == [(0, 2), (1, 2), (0, 2), (1, 2)][after:]  # none is trained again
    assert model.state_.keys() == straight.state_.keys()
    assert all(np.array_equal(value, model.state_[name], equal_nan=True) for name, value in straight.state_.items())
    assert model.info_ == straight.info_
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Checkpoints of both phases, and of another method."""
    folder = tmp_path_factory.mktemp("kept")
    stopped(1, checkpoint=str(folder / "first"))
    stopped(3, checkpoint=str(folder / "second"))
    DeepSpectralClustering(3, epochs=1, n_init=1, checkpoint=str(folder / "dsc")).fit(CUBE)
    return folder


@pytest.mark.parametrize("phase", ["first", "second"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"random_state": 5}, "random_state is 5, there 0"),
        ({"epochs": 3, "vary": 0.5}, r"epochs is 3, there 2; vary is 0\.5, there 1\.0"),
        ({"epochs_views": 1}, "epochs_views is 1, there 2"),
        ({"objective": "paper"}, "objective is 'paper', there 'stable'"),
        ({"cube": regions(1)[0]}, r"input is '\w+', there '\w+'"),
        ({"cube": [CUBE, CUBE]}, r"input is '\w+', there '\w+'"),
        ({"cube": make_cube(CUBE["spectra"].values, AXIS + 1, "nm")}, r"input is '\w+', there '\w+'"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(kept, phase, change, message):
    held = (kept / phase).read_bytes()
    with pytest.raises(ParameterError, match=rf"{phase} is the checkpoint of another training: {message}\. Try"):
        stopped(None, checkpoint=str(kept / phase), **change)
    assert (kept / phase).read_bytes() == held


def test_a_checkpoint_of_another_method_is_refused(kept):
    words = "another training: method is '{}', there '{}'\\. Try"
    names = ["DeepGlobalClustering", "DeepSpectralClustering"]
    with pytest.raises(ParameterError, match=words.format(*names)):
        stopped(None, checkpoint=str(kept / "dsc"))
    with pytest.raises(ParameterError, match=words.format(*names[::-1])):
        DeepSpectralClustering(3, epochs=1, n_init=1, checkpoint=str(kept / "second")).fit(CUBE)


def test_cubes_in_another_order_are_another_input(tmp_path):
    pair, place = [CUBE, regions(7)[0]], str(tmp_path / "c")
    stopped(1, pair, checkpoint=place)
    with pytest.raises(ParameterError, match="another training: input is"):
        stopped(None, pair[::-1], checkpoint=place)


def test_numbers_of_numpy_are_parameters_like_others(tmp_path):
    for number in (3, np.int64(3)):
        model = DeepGlobalClustering(number, **{**SMALL, "epochs_views": 0}, checkpoint=str(tmp_path / "c")).fit(CUBE)
    assert model.info_["n_components"] == 3


def test_the_command_line_segments_and_cuts(cli, tmp_path):
    path, run = write_cube(tiny_cube(24, 21, counts=False), tmp_path / "scan.zarr"), tmp_path / "run"
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    code, _, said = cli("segment", path, "-o", run, "--method", "dgc", *options)
    assert code == 0, said
    code, _, said = cli("cut", run, 2)
    assert code == 0, said
