import numpy as np

from spaxel.cube import make_cube
from spaxel.cube.sampling import sample_spectra
from spaxel.preprocess import choose_scaling, look_at
from spaxel.testing import tiny_cube


def _sample(cube, n=2000):
    return sample_spectra(cube, n)


def test_poisson_counts_are_recognised():
    assert look_at(_sample(tiny_cube(60, 50))).counts


def test_whole_numbers_that_are_no_counts_are_recognised():
    digital = (tiny_cube(60, 50, counts=False)["spectra"] * 100_000).astype(np.int32).clip(0)
    look = look_at(_sample(make_cube(digital.values)))
    assert not look.counts
    assert "other than photon counts" in look.words()


def test_negatives_are_seen():
    assert look_at(_sample(make_cube(np.random.default_rng(0).normal(size=(30, 30, 5))))).negative


def test_uneven_light_calls_for_unit_norm():
    """Three materials under light that varies tenfold: only a scaling that is blind to brightness finds them."""
    rng = np.random.default_rng(0)
    cube = tiny_cube(60, 50, counts=False)
    light = rng.uniform(0.1, 1, (60, 50, 1))
    choice = choose_scaling(_sample(make_cube(cube["spectra"].values * light)), 3)
    assert choice.name == "unit"
    assert set(choice.scores) >= {"none", "unit", "zscore"}
    assert "Option scaling decides" in choice.sentence


def test_noise_brings_whitening_into_play():
    noisy = tiny_cube(60, 50, counts=False)["spectra"].values + np.random.default_rng(0).normal(size=(60, 50, 11))
    assert "mnf" in choose_scaling(_sample(make_cube(noisy)), 3).scores


def test_a_second_choice_knows_the_spectra_of_the_first():
    sample, known = _sample(make_cube(tiny_cube(60, 50, counts=False)["spectra"].values)), {}
    for number in (3, 5):
        assert choose_scaling(sample, number, known=known) == choose_scaling(sample, number)
    assert {name: scores.shape[0] for name, scores in known.items()} == dict.fromkeys(
        ("none", "unit", "zscore"), len(sample.spectra)
    )


def test_degenerate_samples_get_a_plain_answer():
    for spectra in (np.ones((4, 5, 3)), np.arange(3.0).reshape(1, 1, 3) + 1):
        choice = choose_scaling(_sample(make_cube(spectra)))
        assert choice.scores == {}
        assert "too few different spectra" in choice.sentence


def test_few_photons_are_not_compared():
    dim = np.random.default_rng(0).poisson(tiny_cube(60, 50)["spectra"].values / 40).astype(np.uint8)
    choice = choose_scaling(_sample(make_cube(dim)), 3)
    assert choice.name == "counts"
    assert "too few to compare" in choice.sentence
