import numpy as np
import pytest
from scipy.signal import savgol_filter

from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.preprocess import derivative, despike, smooth
from spaxel.testing import tiny_cube


def test_a_spike_goes_and_the_rest_stays():
    clean = tiny_cube(channels=101, counts=False)["spectra"].values
    hit = clean.copy()
    hit[3, 2, 40] += 5
    cube = despike(make_cube(hit).chunk(y=5))
    found = cube["spectra"].values
    assert abs(found[3, 2, 40] - clean[3, 2, 40]) < 0.1
    assert (found != hit).mean() < 0.01


def test_despike_keeps_integers_and_sparse_counts():
    sparse = np.zeros((2, 3, 50), np.uint8)
    sparse[..., 7] = 3
    cube = despike(make_cube(sparse))
    assert cube["spectra"].dtype == np.uint8
    assert np.array_equal(cube["spectra"], sparse)


def test_smoothing_is_savitzky_golay_and_lazy():
    cube = tiny_cube(channels=31)
    new = smooth(cube.chunk(y=5, channel=10), 7, 2)
    assert new["spectra"].chunks is not None
    assert np.allclose(new["spectra"], savgol_filter(cube["spectra"].values.astype(float), 7, 2))


def test_a_parabola_is_smoothed_to_itself_and_its_derivative_is_linear():
    t = np.arange(25.0)
    cube = make_cube((t**2)[None, None, :])
    assert np.allclose(smooth(cube)["spectra"][0, 0], t**2)
    assert np.allclose(derivative(cube)["spectra"][0, 0], 2 * t)
    assert np.allclose(derivative(cube, degree=2)["spectra"][0, 0], 2)


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        (smooth, {"width": 4}),
        (smooth, {"width": 99}),
        (smooth, {"order": 7}),
        (derivative, {"degree": 3}),
        (despike, {"width": 2}),
    ],
)
def test_refusals(step, arguments):
    with pytest.raises(ParameterError, match="expected"):
        step(tiny_cube(), **arguments)
