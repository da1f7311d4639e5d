"""The answer for a spectrum does not depend on the tile it is read in: the search starts equally hot everywhere."""

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.methods.mcr.estimator import MCR

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_a_pixel_alone_gets_the_abundances_it_gets_beside_bright_ones():
    rng = np.random.default_rng(0)
    axis = np.linspace(0, 1, 40)
    pure = np.exp(-((axis - np.linspace(0.3, 0.7, 5)[:, None]) ** 2) / 0.02) + 0.05  # alike: the search has many ends
    amounts = np.zeros((120, 5))
    for row in amounts:
        row[rng.choice(5, rng.integers(1, 4), replace=False)] = rng.uniform(0.3, 1)
    clean = amounts * 10 ** rng.uniform(0, 2.5, (120, 1)) @ pure  # bright and dark spectra side by side
    spectra = clean + 0.05 * rng.standard_normal(clean.shape)
    cube = make_cube(spectra.reshape(12, 10, 40), 400 + 10 * np.arange(40.0), "nm")
    model = MCR(n_components=5, kind="table", signed=False).fit(cube)
    together = model.transform(cube)["abundances"].values
    for y in (0, 6):
        for x in range(0, 10, 2):
            alone = model.transform(cube.isel(y=[y], x=[x]))["abundances"].values
            np.testing.assert_array_equal(alone[0, 0], together[y, x])
