import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from spaxel.errors import NotFound, ParameterError, ReadError
from spaxel.metrics import score
from spaxel.readers.registry import open_cube
from spaxel.synth import simulate
from spaxel.synth.maxrf.painted import mixtures, read_picture
from spaxel.synth.maxrf.pigments import COLORS, PIGMENTS
from spaxel.synth.maxrf.world import maxrf

NAMES = ["vermilion", "azurite", "bone black", "lead-tin yellow"]
LAB = arrays(np.float64, (6, 3), elements=st.floats(1, 99))


def quarters(rows=20, columns=30, names=NAMES):
    """A picture in four fields, each in the colour of a pigment, of unequal sizes."""
    field = (np.arange(rows)[:, None] * 3 // rows > 0) * 2 + (np.arange(columns) * 5 // columns > 1)
    return np.array([COLORS[name] for name in names], np.uint8)[field], field


def test_a_pure_colour_is_its_pigment_and_fields_are_the_truth():
    picture, field = quarters()
    cube = maxrf(picture=picture, pigments=NAMES, tau=0.95, channels=64).compute()
    assert cube["spectra"].shape == (20, 30, 64)
    assert score(cube["truth_labels"].values, field)["ari"] == 1
    assert (np.diff(np.bincount(cube["truth_labels"].values.ravel())) <= 0).all()
    np.testing.assert_array_equal(cube["truth_abundances"].values.argmax(-1), field)
    np.testing.assert_array_equal(cube["truth_abundances"].values.max(-1), 1)
    assert "after a picture, 4 mixtures, tau 0.95" in json.dumps(cube.attrs["history"])


def test_the_picture_is_stretched_over_any_size_and_may_be_read_in_any_tiles():
    picture, field = quarters()
    cube = simulate("maxrf", height=140, width=90, picture=picture, pigments=NAMES, channels=16)
    whole = cube.compute()
    near = field[np.arange(140) * 20 // 140][:, np.arange(90) * 30 // 90]
    assert score(whole["truth_labels"].values, near)["ari"] == 1
    assert cube.chunk({"y": 35, "x": 90}).compute().identical(whole)
    part = cube.isel(y=slice(60, 68), x=slice(70, 80)).compute()
    assert part.identical(whole.isel(y=slice(60, 68), x=slice(70, 80)))
    huge = maxrf(5_000, 4_000, picture=picture, channels=16)
    assert huge["spectra"].isel(y=slice(4_999, None), x=slice(3_990, None)).values.shape == (1, 10, 16)


@given(LAB, LAB, st.floats(0, 1), st.floats(0, 1))
def test_mixtures_sum_to_one_and_a_higher_threshold_lets_fewer_in(colors, pigments, one, other):
    low, high = (mixtures(colors, pigments, tau) for tau in sorted((one, other)))
    for found in (low, high):
        np.testing.assert_allclose(found.sum(1), 1)
        assert (found >= 0).all()
    assert ((high > 0) <= (low > 0)).all()
    assert ((high > 0).sum(1) >= 1).all()


def test_the_published_threshold_mixes_nearly_everything():
    lab = np.random.default_rng(0).uniform([20, -40, -40], [90, 40, 40], (50, 3))
    shares = [mixtures(lab[:40], lab[40:], tau) for tau in (0.2, 0.9)]
    assert (shares[0] > 0).mean() > 0.9
    assert (shares[1] > 0).mean() < 0.25


def test_many_colours_are_reduced_to_a_few_that_differ_in_their_spectra():
    noisy = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    one, same, other = (maxrf(picture=noisy, colors=c, channels=8, seed=2).compute() for c in (7, 7, 3))
    assert one.identical(same)
    assert one["truth_labels"].max() > other["truth_labels"].max()
    labels, shares = one["truth_labels"].values.ravel(), one["truth_abundances"].values.reshape(-1, 6)
    assert (np.diff(np.bincount(labels)) <= 0).all()
    assert len(np.unique(shares, axis=0)) == labels.max() + 1 <= 7
    assert all(len(np.unique(shares[labels == k], axis=0)) == 1 for k in range(labels.max() + 1))


def test_a_file_from_the_command_line(cli, tmp_path):
    picture, field = quarters()
    Image.fromarray(picture).save(tmp_path / "a.png")
    call = ("simulate", "maxrf", tmp_path / "a.zarr", "--picture", tmp_path / "a.png", "--option", "tau=0.9")
    code, said, _ = cli(*call, "--option", "channels=32")
    assert (code, said) == (0, f"wrote {tmp_path / 'a.zarr'}: 20 x 30 pixels, 32 channels\n")
    written = open_cube(tmp_path / "a.zarr")
    assert score(written["truth_labels"].values, field)["ari"] == 1
    assert cli("simulate", "ifu", tmp_path / "b.zarr", "--picture", tmp_path / "a.png")[0] == 2
    code, _, said = cli("simulate", "maxrf", tmp_path / "b.zarr", "--picture", tmp_path / "none.png")
    assert (code, said) == (2, f"spaxel: There is no file {tmp_path / 'none.png'}. Try another path.\n")


def test_what_is_transparent_is_white(tmp_path):
    ink = np.zeros((2, 2, 4), np.uint8)
    ink[0, :, 3] = 255
    Image.fromarray(ink).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png")[:, 0], [[0, 0, 0], [255, 255, 255]])


def test_refusals(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ReadError, match="no picture that can be read"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(NotFound, match="no file"):
        read_picture(str(tmp_path / "b.png"))
    for array in (np.zeros((3, 4), np.uint8), np.zeros((3, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ParameterError, match="expected"):
            maxrf(picture=array)
    for options, message in (
        ({"tau": 2}, "tau is 2"),
        ({"colors": 0}, "colors is 0"),
        ({"colors": 256}, "colors is 256"),
    ):
        with pytest.raises(ParameterError, match=message):
            maxrf(picture=quarters()[0], **options)


def test_every_pigment_has_a_colour():
    assert set(COLORS) == set(PIGMENTS)
