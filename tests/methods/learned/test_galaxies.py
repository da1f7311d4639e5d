"""Learned distances of galaxies: better than the consensus where a cube is one, and the consensus itself where it is not."""

from functools import cache

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import spaxel
from spaxel import LearnedMetric, Segment
from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.methods.learned.fields import IFU
from spaxel.methods.learned.known import told_redshift
from spaxel.methods.learned.model import LIGHT_WEIGHT, learned_from
from spaxel.workflow.runs import segment

QUICK = {"n_init": 1, "n_sample": 800}
OPTIONS = {"channels": 300, "wavelengths": (4820.0, 6920.0), "snr": 10.0, "rotation": 200.0}


@cache
def scene():
    return spaxel.simulate("ifu", height=36, width=32, seed=12, **OPTIONS).load()


@cache
def fitted():
    return LearnedMetric(n_clusters=5, **QUICK).fit(scene())


@cache
def expected():
    return fitted().predict(scene())


def without_redshift(cube):
    found = cube.copy()
    del found.attrs["redshift"]
    return found


def alike(one, other):
    return adjusted_rand_score(one["labels"].values.ravel(), other["labels"].values.ravel())


def test_a_galaxy_is_told_apart_better_than_by_the_consensus():
    assert (fitted().info_["field"], fitted().info_["redshift"]) == ("ifu", pytest.approx(0.01))
    assert fitted().info_["trust"] > 0.9
    truth = scene()["truth_labels"].values.ravel()
    plain = Segment(n_clusters=5, **QUICK).fit_predict(scene())["labels"].values.ravel()
    assert adjusted_rand_score(truth, expected()["labels"].values.ravel()) > adjusted_rand_score(truth, plain) + 0.1


def test_a_redshift_that_nobody_tells_is_found_and_said():
    cube = without_redshift(scene())
    steady = QUICK | {"n_init": 3}  # with one restart, two fits of nearly the same places may fall into two optima
    model = LearnedMetric(n_clusters=5, **steady).fit(cube)
    assert model.info_["redshift"] == pytest.approx(0.01, abs=0.001)
    assert "was found in the spectra; option redshift decides" in model.info_["scaling_sentence"]
    assert alike(model.predict(cube), LearnedMetric(n_clusters=5, **steady).fit_predict(scene())) > 0.9


def test_nanometres_scale_and_brightness_do_not_matter():
    nano = scene().assign_coords(channel=scene()["channel"] / 10)
    nano["channel"].attrs["units"] = "nm"
    nano["spectra"] = nano["spectra"] * np.float32(2.0**-12)
    nano["variance"] = nano["variance"] * np.float32(2.0**-24)
    model = LearnedMetric(n_clusters=5, **QUICK).fit(nano)
    assert model.info_["trust"] == fitted().info_["trust"]
    assert alike(model.predict(nano), expected()) > 0.98


def test_learned_places_see_the_neighbours():
    model = fitted()._model()
    flat = scene()["spectra"].values.reshape(-1, 300)[:300].astype(float)
    one, other = (model.learned.scores(np.hstack([flat, around]), 300) for around in (flat, flat[::-1]))
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), LIGHT_WEIGHT * fitted().info_["trust"])
    assert np.abs(one - other).max() > 1


def test_a_part_of_the_image_has_the_labels_of_the_whole():
    found = fitted().predict(scene().isel(y=slice(5, 30)))["labels"].values
    assert np.array_equal(found[1:-1], expected()["labels"].values[6:29])


def test_it_is_saved_and_loaded(tmp_path):
    fitted().save(tmp_path / "model")
    assert np.array_equal(spaxel.load(tmp_path / "model").predict(scene())["labels"], expected()["labels"])


def reflectance(axis, seed=0):
    """Three smooth spectra with broad bands and light that varies, and noise."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(20)[:, None] // 7 + np.zeros((1, 18), int)).astype(np.int32)
    bands = rng.uniform(axis[0], axis[-1], (3, 3, 1)), rng.uniform(0.03, 0.2, (3, 3, 1)) * np.ptp(axis)
    pure = 0.5 + (rng.uniform(-0.2, 0.3, (3, 3, 1)) * np.exp(-(((axis - bands[0]) / bands[1]) ** 2))).sum(1)
    light = rng.uniform(0.8, 1.2, (20, 18, 1))
    return make_cube(light * pure[labels] + rng.normal(0, 0.004, (20, 18, len(axis))), axis, "nm", truth_labels=labels)


WIDE = {
    "Samson": np.linspace(401, 889, 156),
    "AVIRIS": np.linspace(400, 2500, 204),
    "EnMAP": np.linspace(418, 2445, 224),
}


@pytest.mark.parametrize("name", WIDE)
def test_no_axis_of_reflectance_is_that_of_a_galaxy(name):
    assert [z for z in np.linspace(0, 0.25, 26) if IFU.grid_of(WIDE[name], "nm", z) is not None] == []


@pytest.mark.parametrize(("name", "told"), [("Samson", False), ("narrow channels", False), ("narrow channels", True)])
def test_reflectance_is_left_to_the_consensus(name, told):
    cube = reflectance(WIDE.get(name, np.linspace(600, 710, 160)))
    if told:
        cube.attrs["redshift"] = 0.0
    model = LearnedMetric(n_clusters=3, **QUICK).fit(cube)
    assert model.info_["trust"] == 0
    plain = Segment(n_clusters=3, **QUICK).fit(cube)
    assert np.array_equal(plain.predict(cube)["labels"], model.predict(cube)["labels"])
    assert "net_trust" not in model.state_


def test_lines_that_are_no_gas_are_left_to_the_consensus():
    axis, rng = np.linspace(600, 710, 240), np.random.default_rng(8)
    lines = 0.1 + np.exp(-(((axis - rng.uniform(605, 705, (3, 6, 1))) / 0.6) ** 2) / 2).sum(1)
    labels = (np.arange(20)[:, None] // 7 + np.zeros((1, 18), int)).astype(np.int32)
    cube = make_cube(lines[labels] + rng.normal(0, 0.02, (20, 18, 240)), axis, "nm", truth_labels=labels)
    model = LearnedMetric(n_clusters=3, **QUICK).fit(cube)
    assert (model.info_["field"], model.info_["trust"]) == ("", 0)
    assert "at none are the lines of these spectra like those of simulated galaxies" in model.info_["scaling_sentence"]
    told = LearnedMetric(n_clusters=3, **QUICK).fit(cube.assign_attrs(redshift=0.01))
    assert (told.info_["field"], told.info_["trust"]) == ("ifu", 0)
    with pytest.raises(ParameterError, match="Try --redshift"):
        LearnedMetric(n_clusters=3, weights="ifu").fit(cube)


def test_weights_of_galaxies_are_refused_for_wide_channels():
    with pytest.raises(ParameterError, match=r"Weights ifu are of galaxies.*Try --weights auto"):
        LearnedMetric(n_clusters=3, weights="ifu").fit(reflectance(WIDE["Samson"]))


def test_cubes_of_two_redshifts_are_left_to_the_consensus():
    other = scene().isel(x=slice(0, 20)).assign_attrs(redshift=0.02)
    model = LearnedMetric(n_clusters=4, **QUICK).fit([scene(), other])
    assert model.info_["trust"] == 0
    assert "redshifts that differ by 0.01" in model.info_["scaling_sentence"]


def test_the_command_tells_the_redshift(tmp_path):
    spaxel.write_cube(without_redshift(scene()).isel(y=slice(12, 30)), tmp_path / "g.zarr")
    run = segment([tmp_path / "g.zarr"], tmp_path / "run", method="learned", redshift=0.0102,
                  parameters={"n_clusters": "3", "n_init": "1", "n_sample": "500"})  # fmt: skip
    assert spaxel.load(run).info_["redshift"] == 0.0102


def test_a_cube_at_another_redshift_is_seen_at_its_own():
    spectra = scene()["spectra"].values.reshape(-1, 300)[:50].astype(float)

    def seen(z):
        return fitted()._at_redshift(scene().assign_attrs(redshift=z)).learned.binned(spectra)

    def laid(z):
        edges = IFU.grid_of(fitted().state_["channel"], "Angstrom", z)
        return learned_from(fitted().state_ | {"net_channels": edges}).binned(spectra)

    np.testing.assert_array_equal(seen(0.0105), fitted()._model().learned.binned(spectra))
    np.testing.assert_array_equal(seen(0.03), laid(0.03))
    assert not np.allclose(seen(0.03), laid(0.01))
    assert alike(fitted().predict(scene().assign_attrs(redshift=0.03)), expected()) < 0.9
    with pytest.raises(ParameterError, match=r"At a redshift of 3 .* Try a fit of this cube"):
        fitted().predict(scene().assign_attrs(redshift=3.0))


@pytest.mark.parametrize("told", ["0.01 (NED)", 25, [0.1]])
def test_what_can_be_no_redshift_is_refused(told):
    with pytest.raises(ParameterError, match=r"The redshift of this cube is .* Try --redshift"):
        LearnedMetric(n_clusters=2, **QUICK).fit(scene().isel(x=slice(0, 12)).assign_attrs(redshift=told))


def test_no_redshift_is_none():
    assert told_redshift(scene().assign_attrs(redshift=None)) is told_redshift(without_redshift(scene())) is None
