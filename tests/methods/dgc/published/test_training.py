import numpy as np
import pytest
import torch

from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dgc.published import training as published_training
from spaxel.methods.registry import load
from spaxel.pace import progress
from spaxel.results.convention import check_result
from spaxel.testing import tiny_cube

CUBE = tiny_cube(40, 37)
SIGNS = ["paper", "paper-corrected"]


def fitted(objective, **given):
    small = {"n_micro": 4, "epochs": 1, "tiles": 1, "reuse": 4, "width": 8, "n_sample": 400}
    return DeepGlobalClustering(objective=objective, **(small | given)).fit(CUBE)


@pytest.mark.parametrize("objective", SIGNS)
def test_it_runs_from_end_to_end_and_says_what_happened(objective, tmp_path):
    model = fitted(objective)
    result = check_result(model.predict(CUBE))
    assert 1 <= result.sizes["micro"] <= 4
    deep, (line,) = model.info_["deep"], model.info_["history"]
    assert line["phase"] == 1
    assert {"comp", "orth", "bal", "cons", "active", "information"} <= set(line)
    assert ("unif" in line) == (objective == "paper")
    assert deep["sentence"] in model.info_["sentence"]
    assert "4 random centres" in deep["sentence"]
    again = load(model.save(tmp_path / "run"))
    assert again.objective == objective
    assert again.predict(CUBE).equals(result)


@pytest.mark.parametrize("objective", SIGNS)
def test_same_seed_same_bits_and_another_seed_others(objective):
    one, two, other = (fitted(objective, random_state=seed) for seed in (3, 3, 4))
    assert one.info_["history"] == two.info_["history"] != other.info_["history"]
    assert one.state_.keys() == two.state_.keys()
    for name, value in one.state_.items():
        np.testing.assert_array_equal(value, two.state_[name])


def test_the_last_state_is_kept_and_every_part_of_it_was_trained():
    short, long = fitted("paper", epochs=1), fitted("paper", epochs=2)
    assert long.info_["history"][0] == short.info_["history"][0]
    assert long.info_["deep"]["start"] == short.info_["deep"]["start"]
    names = [name for name in short.state_ if name.startswith("encoder.") and name != "encoder.level"]
    assert all((short.state_[name] != long.state_[name]).any() for name in names)


@pytest.mark.parametrize("objective", SIGNS)
def test_an_interrupted_training_goes_on_with_the_same_bits(objective, tmp_path):
    whole, place = fitted(objective, epochs=2), str(tmp_path / "c")

    def stop(stage, epoch, *_):
        if stage == "epochs" and epoch:
            raise KeyboardInterrupt

    small = {"n_micro": 4, "epochs": 2, "tiles": 1, "reuse": 4, "width": 8, "n_sample": 400}
    with pytest.raises(KeyboardInterrupt), progress(stop, every=0):
        DeepGlobalClustering(objective=objective, checkpoint=place, **small).fit(CUBE)
    for _ in range(2):  # the second time from the end
        resumed = fitted(objective, epochs=2, checkpoint=place)
        assert resumed.info_ == whole.info_
        for name, value in whole.state_.items():
            np.testing.assert_array_equal(value, resumed.state_[name])


@pytest.mark.parametrize("number", ["auto", 3])
@pytest.mark.parametrize("how", ["one embedding for all", "one centre for all"])
def test_a_collapse_gives_one_component_and_is_said(monkeypatch, how, number):
    train = published_training.train_published

    def collapsed(*given):
        found = train(*given)
        if how == "one embedding for all":
            with torch.no_grad():
                found.encoder.last.weight.zero_()
                found.encoder.last.bias.copy_(1e9 * torch.tensor(found.centers[1]))
            return found
        bias = found.encoder.last.bias
        with torch.no_grad():
            bias.copy_(100 * torch.tensor(found.centers[0]))
        return found._replace(centers=np.concatenate([found.centers[:1], -found.centers[:1]]))

    monkeypatch.setattr("spaxel.methods.dgc.training.train_published", collapsed)
    model = fitted("paper", n_clusters=number)
    result = check_result(model.predict(CUBE))
    assert result.sizes["component"] == result.sizes["micro"] == 1
    assert (result["labels"] == 0).all()
    assert np.isfinite(result["component_spectra"]).all()
    assert "collapsed into one" in model.info_["deep"]["sentence"]
    assert "too few different spectra" not in model.info_["sentence"]


def test_stable_is_the_default_and_reports_as_before():
    assert DeepGlobalClustering().objective == "stable"
    assert "objective" not in fitted("stable", epochs_views=0).info_["deep"]
