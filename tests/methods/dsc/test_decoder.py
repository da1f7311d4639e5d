"""The decoder in NumPy: the same as in torch, in the units of the cube, and near what it was made from."""

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.cube.sampling import sample_spectra
from spaxel.errors import ParameterError
from spaxel.methods.dsc.decoder import decoder_state
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.dsc.numpy_net import decode
from spaxel.methods.registry import load
from spaxel.preprocess.scaling import SCALINGS, fit_scaling
from spaxel.results.cut import cut
from spaxel.synth.maxrf.world import maxrf
from spaxel.testing import tiny_cube

PAINTING = maxrf(32, 32, seed=5, n_pigments=4, channels=64, counts=600).compute()


def unlike(one, other):
    """Norm of the difference over the norm, per row."""
    return np.linalg.norm(one - other, axis=1) / np.linalg.norm(other, axis=1)


@pytest.mark.parametrize("net", ["plain", "snn", "conv"])
def test_numpy_decodes_what_torch_decodes(net):
    import torch

    from spaxel.methods.dsc.net.autoencoder import Autoencoder, Shape, Start

    rng = np.random.default_rng(4)
    start = Start(
        rng.normal(size=(50, 6)), rng.normal(size=6), np.ones(6), rng.normal(size=50), rng.normal(size=(3, 50))
    )
    decoder = Autoencoder(start, Shape(net, 20, 3), seed=1).decoder
    with torch.no_grad():
        decoder.rows.add_(torch.from_numpy(rng.normal(0, 0.3, decoder.rows.shape).astype(np.float32)))
        z = rng.normal(0, 2, (33, 3)).astype(np.float32)
        theirs = decoder(torch.from_numpy(z)).numpy()
    ours = decode(z, {name: value.detach().numpy() for name, value in decoder.state_dict().items()}, net)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("name", [name for name in SCALINGS if name != "hellinger"])
@pytest.mark.parametrize("counts", [True, False])
def test_a_scaling_can_be_taken_back(name, counts):
    sample = sample_spectra(tiny_cube(20, 17, counts=counts), 300, 0)
    scaling = fit_scaling(name, sample)
    spectra = np.maximum(sample.spectra, 0) if name == "counts" else sample.spectra
    again = scaling.inverse(scaling(spectra), spectra)
    np.testing.assert_allclose(again, spectra, rtol=1e-8, atol=1e-8 * spectra.max())


def test_hellinger_can_be_taken_back():
    sample = sample_spectra(tiny_cube(20, 17), 300, 0)
    scaling = fit_scaling("hellinger", sample)
    np.testing.assert_allclose(scaling.inverse(scaling(sample.spectra), sample.spectra), sample.spectra, atol=1e-8)


@pytest.mark.parametrize(
    "options",
    [{}, {"epochs": 0}, {"context": 3, "epochs": 0}, {"scaling": "unit"}, {"scaling": "hellinger"},
     {"scaling": "snv", "likelihood": "gaussian"}],
)  # fmt: skip
def test_the_decoded_mean_of_a_component_resembles_its_input_mean(options):
    model = DeepSpectralClustering(4, n_init=2, **({"epochs": 20, "batch": 128} | options)).fit(PAINTING)
    result = model.predict(PAINTING)
    assert unlike(result["micro_decoded"].values, result["micro_spectra"].values).max() < 0.1
    assert result["latents"].dtype == np.float32
    assert result["decoded_picture"].shape == result["picture"].shape


@pytest.mark.parametrize(("kind", "like"), [("multinomial", True), ("poisson", False), ("gaussian", True)])
def test_counts_are_expected_counts(kind, like):
    """A trained decoder in the units of the cube, whatever state was kept: as many photons as the spectra have."""
    model = DeepSpectralClustering(4, n_init=2, epochs=3, likelihood=kind).fit(PAINTING)
    spectra = PAINTING["spectra"].values.reshape(-1, 64)
    found = model.decode(model.embed(spectra), spectra if like else None)
    assert found.shape == spectra.shape
    assert found.min() >= 0
    assert found.sum() == pytest.approx(spectra.sum(), rel=0.02)


def test_poisson_is_brought_to_the_size_of_the_data():
    rng = np.random.default_rng(0)
    scaling = fit_scaling("none", sample_spectra(PAINTING, 200, 0))
    spectra = PAINTING["spectra"].values.reshape(-1, 64)[:200]
    encoder = {"axes": rng.normal(size=(64, 2)), "offset": np.zeros(2), "spread": np.ones(2), "mean.bias": np.zeros(2)}
    encoder = {name: value.astype(np.float32) / 1e3 for name, value in encoder.items()}
    trained = {"base": np.zeros(64, np.float32), "rows": np.zeros((2, 64), np.float32)}
    _, info = decoder_state(spectra, scaling, encoder, "plain", 0, trained, "poisson")
    assert info == {"kind": "poisson", "photons": pytest.approx(spectra.mean())}


def test_a_saved_model_decodes_the_same_and_wrong_latents_are_refused(tmp_path):
    cube = tiny_cube(20, 17)
    model = DeepSpectralClustering(3, epochs=2, n_init=2, n_latent=2).fit(cube)
    z = model.embed(cube["spectra"].values.reshape(-1, 11))
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.decode(z), model.decode(z))
    for wrong in (z[:, :1], z[0]):
        with pytest.raises(ParameterError, match=r"expected \(n, 2\). Try embed"):
            model.decode(wrong)
    with pytest.raises(ParameterError, match="like has shape"):
        model.decode(z, np.ones((3, 11)))


def test_a_model_without_a_decoder_still_predicts():
    cube = tiny_cube(20, 17)
    model = DeepSpectralClustering(3, epochs=0, n_init=2).fit(cube)
    whole = model.predict(cube)
    del model.info_["decoder"]
    old = model.predict(cube)
    assert "latents" not in old
    assert old.identical(whole.drop_vars(["latents", "latent_centers", "micro_decoded", "decoded_picture"]))
    with pytest.raises(ParameterError, match="saved without a decoder"):
        model.decode(np.zeros((1, 2)))


def test_a_cut_keeps_what_was_decoded_and_pixels_without_data_have_none():
    spectra = tiny_cube(40, 37)["spectra"].values.astype(float)
    spectra[3] = 0
    cube = make_cube(spectra)
    result = DeepSpectralClustering(epochs=1, n_init=2, max_clusters=6).fit(cube).predict(cube)
    coarse = cut(result, 2)
    assert {"latents", "micro_decoded", "latent_centers", "decoded_picture"} <= set(coarse)
    assert np.isnan(result["latents"].values[3]).all()
    assert (result["decoded_picture"].values[3] == 255).all()
    assert np.isfinite(np.delete(result["latents"].values, 3, 0)).all()


def test_many_latents_are_kept_as_the_first_sixteen():
    rng = np.random.default_rng(0)
    cube = make_cube(rng.uniform(1, 2, (20, 20, 40)))
    result = DeepSpectralClustering(3, epochs=0, n_init=2, n_latent=20, scaling="zscore").fit(cube).predict(cube)
    assert result.sizes["latent"] == 16


def test_a_linear_start_that_is_kept_after_training_decodes_linearly(monkeypatch):
    """What the net learned to decode belongs to its own latents."""
    monkeypatch.setattr("spaxel.methods.dsc.training.Judge.__call__", lambda *_: 1.0)
    model = DeepSpectralClustering(4, n_init=2, epochs=1).fit(PAINTING)
    assert model.info_["deep"]["kept"] == "linear"
    assert len(model.info_["history"]) == 1
    assert model.info_["decoder"]["kind"] == "features"
    result = model.predict(PAINTING)
    assert unlike(result["micro_decoded"].values, result["micro_spectra"].values).max() < 0.03


def test_labels_that_are_moved_after_the_mapping_do_not_change_the_size_of_what_is_decoded(monkeypatch):
    """Smoothing moves pixels from part to part; means of decoded spectra stay means."""
    model = DeepSpectralClustering(4, n_init=2, epochs=0).fit(PAINTING)
    before = model.predict(PAINTING)["micro_decoded"].values
    from spaxel.methods.centers import base

    def halved(*arguments, **more):
        maps, sums = model_map(*arguments, **more)
        return maps, sums | {name: sums[name] // 2 for name in ("size", "sum", "square")}

    model_map = base.map_centers
    monkeypatch.setattr(base, "map_centers", halved)
    np.testing.assert_array_equal(model.predict(PAINTING)["micro_decoded"].values, before)
