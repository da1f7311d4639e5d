import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spaxel.colorimetry import ciede2000, lab_of_light, linear_rgb

SHARMA = [  # of the table of Sharma, Wu & Dalal 2005: pairs, and the difference
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412), ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669), ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195), ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461), ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492), ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030), ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]  # fmt: skip
COLORS = arrays(np.float64, (5, 3), elements=st.floats(0, 1))


def test_published_pairs():
    one, other, known = (np.array(column, dtype=float) for column in zip(*SHARMA, strict=True))
    np.testing.assert_allclose(ciede2000(one, other), known, atol=5e-5)


@given(COLORS, COLORS)
def test_it_is_a_difference(one, other):
    one, other = lab_of_light(linear_rgb(one)), lab_of_light(linear_rgb(other))
    there, back = ciede2000(one, other), ciede2000(other, one)
    np.testing.assert_allclose(there, back, atol=1e-9)
    assert (there >= 0).all()
    np.testing.assert_allclose(ciede2000(one, one), 0, atol=1e-9)
    assert ciede2000(one[:, None], other).shape == (5, 5)


def test_known_colours():
    corners = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 1]], dtype=float)
    known = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(lab_of_light(linear_rgb(corners)), known, atol=0.02)
    greys = lab_of_light(linear_rgb(np.linspace(0, 1, 9)[:, None] * np.ones(3)))
    assert (np.diff(greys[:, 0]) > 0).all()
    assert np.abs(greys[:, 1:]).max() == pytest.approx(0, abs=1e-9)
