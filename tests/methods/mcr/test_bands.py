"""How far components are from unique, as part of the signal and as part of themselves."""

import numpy as np
import pytest

from spaxel.methods.mcr.bands import bands_of


def test_a_weak_component_is_open_by_as_much_of_itself_as_it_can_change():
    rng = np.random.default_rng(0)
    axis = np.arange(40)
    pure = np.exp(-((axis - np.array([[12.0], [25]])) ** 2) / 30) + 0.3
    amounts = rng.uniform(0.3, 1, (30, 2)) * [1, 0.1]
    found = bands_of(amounts @ pure, pure, 0.0)
    size = np.linalg.norm(amounts, axis=0) * np.linalg.norm(pure, axis=1) / np.linalg.norm(amounts @ pure)
    np.testing.assert_allclose(np.array(found.relative) * size, found.ambiguity)
    assert found.relative[1] > 5 * found.ambiguity[1]  # a tenth of the signal


def test_without_bands_nothing_is_said():
    none = bands_of(np.ones((10, 6)), np.eye(6), 0.0)
    assert none.relative is None
    assert none.ambiguity is None


@pytest.mark.parametrize("scale", [0.1, 30.0])
def test_no_unit_changes_them(scale):
    rng = np.random.default_rng(1)
    pure, amounts = rng.random((2, 20)) + 0.2, rng.uniform(0.3, 1, (20, 2))
    one, two = (bands_of(amounts @ S, S, 0.0) for S in (pure, scale * pure))
    np.testing.assert_allclose(one.relative, two.relative, rtol=1e-4)
