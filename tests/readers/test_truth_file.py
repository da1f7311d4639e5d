import numpy as np
import pytest
import scipy.io

from spaxel.cube import make_cube
from spaxel.errors import NotFound, ReadError
from spaxel.readers.native import write_cube
from spaxel.readers.truth_file import read_truth
from spaxel.testing import tiny_cube

TRUTH = tiny_cube()["truth_labels"].values


def test_a_cube_with_truth(tmp_path):
    path = write_cube(tiny_cube(), tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_truth(path, 13, 7)["truth_labels"], TRUTH)
    for wrong in ((7, 13), (13, 8)):
        with pytest.raises(ReadError, match=r"a\.zarr holds no truth for an image of"):
            read_truth(path, *wrong)
    bare = write_cube(tiny_cube().drop_vars("truth_labels"), tmp_path / "bare.zarr")
    with pytest.raises(ReadError, match="no truth"):
        read_truth(bare, 13, 7)


def test_abundances(tmp_path):
    shares = np.eye(3)[TRUTH]
    cube = make_cube(tiny_cube()["spectra"].values, truth_abundances=shares)
    path = write_cube(cube, tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_truth(path, 13, 7)["truth_abundances"], shares)
    np.savez(tmp_path / "a.npz", A=shares)
    np.testing.assert_array_equal(read_truth(f"{tmp_path / 'a.npz'}:A", 13, 7)["truth_abundances"], shares)


@pytest.mark.parametrize("dtype", ["u1", "i4", "f8", ">i2"])
def test_label_images(tmp_path, dtype):
    labels = (TRUTH + 1).astype(dtype)
    np.save(tmp_path / "a.npy", labels)
    np.savez(tmp_path / "a.npz", map=labels, other=np.zeros(5))
    scipy.io.savemat(tmp_path / "a.mat", {"gt": labels})
    for name in ("a.npy", "a.npz", "a.mat", "a.npz:map", "a.mat:gt"):
        found = read_truth(tmp_path / name, 13, 7)["truth_labels"].values
        assert found.dtype == np.int32
        same = found[:, :, None] == found[:, :, None].transpose(0, 2, 1)
        np.testing.assert_array_equal(same, TRUTH[:, :, None] == TRUTH[:, :, None].transpose(0, 2, 1))


def test_a_text_of_labels(tmp_path):
    np.savetxt(tmp_path / "a.txt", TRUTH + 1, fmt="%d")
    assert len(np.unique(read_truth(tmp_path / "a.txt", 13, 7)["truth_labels"])) == 3


def test_zero_means_unlabelled_in_a_ground_truth(tmp_path):
    np.savez(tmp_path / "a.npz", scene_gt=np.where(TRUTH == 0, 0, TRUTH + 4))
    found = read_truth(tmp_path / "a.npz", 13, 7)
    np.testing.assert_array_equal(found["truth_labels"] == -1, TRUTH == 0)
    assert found.attrs["history"]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("no.npy", NotFound, r"no\.npy"),
        ("two.npz:no", NotFound, r"two\.npz"),
        ("two.npz:small", ReadError, r"two\.npz"),
        ("small.npy", ReadError, r"small\.npy"),
        ("broken.npy", ReadError, r"broken\.npy"),
        ("complex.npy", ReadError, r"complex\.npy"),
        ("text.npy", ReadError, r"text\.npy"),
        ("empty.txt", ReadError, r"empty\.txt"),
        ("letter.txt", ReadError, r"letter\.txt"),
        ("folder", ReadError, "folder"),
    ],
)
def test_what_is_no_truth(tmp_path, name, error, message):
    np.save(tmp_path / "small.npy", np.zeros((3, 4), int))
    np.savez(tmp_path / "two.npz", small=np.zeros((3, 4), int), gt=TRUTH)
    (tmp_path / "broken.npy").write_bytes((tmp_path / "small.npy").read_bytes()[:140])
    np.save(tmp_path / "complex.npy", np.ones((13, 7), complex))
    np.save(tmp_path / "text.npy", np.full((13, 7), "a"))
    (tmp_path / "empty.txt").touch()
    (tmp_path / "letter.txt").write_text("Dear reader,\nno.\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(error, match=message):
        read_truth(tmp_path / name, 13, 7)
