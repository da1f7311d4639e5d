import numpy as np

from spaxel.cube.picture import caption, paint, picture_recipe, pictures


def test_a_visible_axis_is_shown_as_the_eye_sees_it():
    axis = np.arange(400.0, 700, 5)
    recipe = picture_recipe(np.random.default_rng(0).random((50, 60)), axis, "nm", counts=False)
    peaks = [axis[recipe.weights[:, c] > 0].mean() for c in range(3)]
    assert np.allclose(peaks, [640, 550, 460], atol=3)
    assert "red 630-650 nm" in caption(recipe, axis, "nm")


def test_any_axis_gives_three_colours_that_use_their_range():
    spectra = np.random.default_rng(0).poisson(np.linspace(100, 1, 40), (500, 40))
    recipe = picture_recipe(spectra, np.linspace(1, 20, 40), "keV", counts=True)
    colours = paint(spectra, recipe)
    assert colours.dtype == np.uint8
    assert (colours.max(0) == 255).all()
    assert (colours.min(0) == 0).all()
    assert "square root" in caption(recipe, np.linspace(1, 20, 40), "keV")


def test_one_and_two_channels_and_constant_spectra_work():
    for spectra in (np.ones((4, 1)), np.arange(8.0).reshape(4, 2), np.ones((4, 9))):
        recipe = picture_recipe(spectra, np.arange(spectra.shape[1]), "index", counts=False)
        assert paint(spectra, recipe).shape == (4, 3)
        assert "red" in caption(recipe, np.arange(spectra.shape[1]), "index")


def test_a_burnt_out_picture_has_a_wide_one_that_is_not():
    """A core thousands of times as bright as the rest: white in the plain picture, told apart in the wide one."""
    rng = np.random.default_rng(0)
    faint, core = rng.uniform(1, 2, (500, 6)), np.array([200.0, 2000.0, 20000.0])[:, None] * np.ones(6)
    spectra = np.concatenate([faint, core])
    recipe = picture_recipe(spectra, np.arange(6.0), "index", False)
    both = pictures(spectra, recipe)
    assert (both["picture"][-3:] == 255).all()
    assert (np.diff(both["picture_wide"][-3:].astype(int), axis=0) > 20).all()
    assert len(np.unique(both["picture_wide"][:-3, 0])) > 20  # the faint part keeps its steps
    assert "picture_wide" not in pictures(faint, picture_recipe(faint, np.arange(6.0), "index", False))
    np.testing.assert_array_equal(both["picture"], paint(spectra, recipe))
