import numpy as np
import pytest
from scipy.special import erf

from spaxel.methods.centers.numpy_layers import gelu, layer_norm, selu

X = np.concatenate([np.linspace(-30, 30, 60001), [0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4]]).astype(np.float32)


def test_gelu_is_x_times_the_normal_distribution():
    exact = X.astype(np.float64) / 2 * (1 + erf(X.astype(np.float64) / np.sqrt(2)))
    found = gelu(X)
    assert found.dtype == np.float32
    assert np.abs((found - exact) / np.maximum(np.abs(exact), 1)).max() < 5e-7


def test_layers_are_those_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, weight, bias = (rng.normal(3, 2, shape).astype(np.float32) for shape in ((50, 17), 17, 17))
    functional = torch.nn.functional
    tensors = [torch.from_numpy(part) for part in (x, weight, bias)]
    assert np.allclose(gelu(x), functional.gelu(tensors[0]), atol=1e-6)
    assert np.allclose(selu(x - 3), functional.selu(tensors[0] - 3), atol=1e-6)
    wanted = functional.layer_norm(tensors[0], (17,), tensors[1], tensors[2])
    assert np.allclose(layer_norm(x, weight, bias), wanted, atol=1e-5)


def test_a_constant_row_is_not_divided_by_zero():
    ones = np.ones((2, 4), np.float32)
    assert np.allclose(layer_norm(7 * ones, ones[0], 3 * ones[0]), 3)
