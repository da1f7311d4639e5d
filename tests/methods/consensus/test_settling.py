"""What members agree on wins over the least sum of squares; what brightness alone explains counts less."""

import numpy as np
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score

import spaxel
from spaxel.cube.sampling import Sample
from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.dull import share_by_brightness
from spaxel.methods.consensus.brightness import shining
from spaxel.methods.consensus.settling import settled
from spaxel.preprocess.choice import Look

RNG = np.random.default_rng(0)


def test_a_small_component_on_which_members_agree_is_not_given_up_for_a_cut_through_a_large_one():
    """A leaf lost its lesions (ARI 0.44) though nearly all members had them (0.97)."""
    truth = np.repeat([0, 1, 2], [1900, 60, 40])
    scores = np.array([[0.0, 0], [6, 0], [6, 3]])[truth] + RNG.normal(size=(2000, 2)) * 0.2
    scores[:1900, 0] += RNG.uniform(-2, 2, 1900)
    labels, weight = [truth] * 5, np.ones(5)
    least = Lloyd(3, n_init=10, random_state=0).fit(scores).labels_
    found = distances(scores, settled(scores, labels, weight, 3, 3, 0)).argmin(1)
    assert adjusted_rand_score(truth, found) > adjusted_rand_score(truth, least) + 0.2


def test_no_more_components_than_different_spectra():
    scores = np.repeat(np.eye(2), 20, axis=0)
    assert settled(scores, [np.repeat([0, 1], 20)], np.ones(1), 5, 2, 0).shape == (2, 2)


def test_share_by_brightness_is_one_for_rings_and_none_for_what_does_not_depend_on_it():
    norm = RNG.random(6000)
    assert share_by_brightness((norm > 0.5).astype(int), norm) > 0.9
    assert share_by_brightness(RNG.integers(0, 3, 6000), norm) < 0.02
    assert share_by_brightness(np.zeros(6000, int), norm) == 0


def test_a_galaxy_shines_and_a_painting_and_even_light_do_not():
    cube = spaxel.simulate("ifu", height=40, width=40, channels=120, seed=3, snr=4)
    model = spaxel.Segment(3, n_init=1, n_sample=1000).fit(cube)
    assert model.info_["scaling"] == "unit_bright"
    assert "sources" in model.info_["scaling_sentence"]
    clear = spaxel.simulate("ifu", height=40, width=40, channels=120, seed=3, snr=60)
    assert spaxel.Segment(3, n_init=1, n_sample=1000).fit(clear).info_["scaling"] == "asinh"
    spectra = 1 + RNG.random((500, 8))
    even = Sample(spectra, np.stack([spectra, spectra[::-1]], axis=1), 1.0)
    look = Look(False, False, 1.0, 0.1, 0.1)
    assert not shining(even, look)
    assert not shining(even, look._replace(counts=True))


def test_a_galaxy_of_much_light_is_no_worse_than_one_of_little():
    """Norm 1 spread the faint sky over more room than all that shines: 0.08 to 0.2 at S/N 60, where 0.5 is reached now."""
    cube = spaxel.simulate("ifu", height=48, width=48, channels=240, seed=9002, snr=60.0, rotation=250.0)
    truth = cube["truth_labels"].values.ravel()
    found = spaxel.Segment(5, random_state=0).fit(cube).predict(cube)["labels"].values.ravel()
    assert adjusted_rand_score(truth, found) > 0.35
