import numpy as np
import pytest

from spaxel.readers.parts.file_array import FileArray

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


@pytest.mark.parametrize("dtype", [">f4", "<u2", "u1", "<f8"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (3, 4, 9000), (4, 70, 2)])
def test_rows_that_are_read_as_they_lie_are_those_that_are_mapped(tmp_path, dtype, shape):
    values = np.random.default_rng(0).integers(0, 99, shape).astype(dtype)
    (tmp_path / "a.raw").write_bytes(b"head" + values.tobytes())
    array = FileArray(tmp_path / "a.raw", np.dtype(dtype), shape, 4)
    keys = [
        (slice(1, 3), slice(1, 4), slice(2, 6)), (slice(None), slice(0, 0), slice(None)),
        (slice(None), slice(None, None, 2), 1),
        (2, 3), (slice(None), 2, slice(0, 5)), ([0, 2], slice(1, 3)), (slice(0, 3, 2), slice(3, 1, -1), slice(None)), ...,
    ]  # fmt: skip
    for key in keys:
        whole = key if isinstance(key, tuple) else (slice(None),)
        np.testing.assert_array_equal(array[whole], values[whole])
