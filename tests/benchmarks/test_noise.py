import numpy as np
import pytest

from noise import neighbour_noise
from spaxel.errors import CubeError


def test_neighbours_give_the_covariance():
    rng = np.random.default_rng(1)
    root = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    y, x = np.mgrid[:80, :60]
    image = (0.01 * y + 0.02 * x)[..., None] + rng.standard_normal((80, 60, 3)) @ root
    np.testing.assert_allclose(neighbour_noise(image), root.T @ root, atol=0.05)
    run = rng.standard_normal((1, 4000, 3)) @ root
    np.testing.assert_allclose(neighbour_noise(run), root.T @ root, atol=0.12)


def test_vertical_neighbours_count_as_much_as_horizontal_ones():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((400, 1, 2)) * np.ones((400, 3, 2))  # equal along x, white along y
    along_y = rows.size // 3 * 3 - 6
    expected = along_y / (along_y + 400 * 2 * 2)  # share of the vertical steps, of which each has the full variance
    np.testing.assert_allclose(neighbour_noise(rows).diagonal(), expected, rtol=0.15)
    np.testing.assert_allclose(neighbour_noise(rows.transpose(1, 0, 2)), neighbour_noise(rows))


def test_refused():
    with pytest.raises(CubeError, match="two pixels"):
        neighbour_noise(np.ones((1, 1, 4)))
