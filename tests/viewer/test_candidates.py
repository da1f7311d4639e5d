import numpy as np

import spaxel
from spaxel.viewer.candidates import candidate_words
from spaxel.viewer.regions import box_region, pixel_region
from spaxel.viewer.scene import Scene
from spaxel.viewer.spectra import region_spectrum


def test_a_pixel_of_a_galaxy_shows_its_lines_and_an_empty_one_none():
    cube = spaxel.simulate("ifu", height=24, width=24, seed=0)
    spectra = cube["spectra"].values
    bright = np.unravel_index(np.nanargmax(spectra.max(-1)), spectra.shape[:2])
    scene = Scene("galaxy", cube=cube)
    told = candidate_words(scene, None, region_spectrum(cube, pixel_region(*map(int, bright))))
    assert "Hα" in told
    assert "of the mean" not in told  # there is nothing to compare with


def test_an_axis_without_known_lines_says_so():
    cube = spaxel.make_cube(np.random.default_rng(0).random((6, 5, 40)), np.linspace(400, 900, 40), "nm")
    told = candidate_words(Scene("plain", cube=cube), None, region_spectrum(cube, box_region(0, 0, 5, 6)))
    assert "not for this axis" in told
