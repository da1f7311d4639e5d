import numpy as np
import pytest

from spaxel.methods.centers.confidence import margins, nearest_of_each


def test_a_margin_is_between_the_two_nearest_components():
    far = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 1.0], [0.0, 0.0, 0.0]])
    assert margins(far, np.array([0, 0, 1])) == pytest.approx([0.75, 1 - 1 / 3, 0])
    assert margins(far, np.array([0, 1, 1])) == pytest.approx([0.5, 1 - 1 / 3, 0])
    assert margins(far, np.zeros(3, int)).tolist() == [1, 1, 1]
    assert nearest_of_each(far, np.array([0, 0, 1])).tolist() == [[1, 4], [3, 1], [0, 0]]
