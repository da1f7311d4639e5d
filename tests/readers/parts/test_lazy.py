import numpy as np
import pytest

from spaxel.readers.parts.lazy import FileArray

KEYS = [
    np.s_[:],
    np.s_[2],
    np.s_[1:4, 2:5, :],
    np.s_[:, 3],
    np.s_[0:5:2, :, -1],
    np.s_[1, 2, 3],
    np.s_[0:0],
    np.s_[:, 2:2, :],
]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_file_is_sliced_as_the_array_in_it(tmp_path, key, order):
    array = np.arange(5 * 7 * 11, dtype=">i2").reshape(5, 7, 11)
    path = tmp_path / "x.raw"
    path.write_bytes(b"abc" + array.tobytes(order))
    found = FileArray(path, array.dtype, array.shape, 3, order)[key]
    assert found.shape == array[key].shape
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array[key])
