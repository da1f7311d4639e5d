import numpy as np
import pytest
from scipy.io import savemat

from spaxel import open_cube
from spaxel.errors import GuessWarning

H, W, C = 13, 7, 11
AXIS = 400.0 + 10 * np.arange(C)
CUBE = (np.arange(H * W * C).reshape(H, W, C) % 250 + 1).astype("i2")
quiet = pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")


def save5(path, **variables):
    savemat(path, variables, do_compression=True)
    return path


@quiet
@pytest.mark.parametrize("suffix", [".mat", ".npy", ".npz", ".txt"])
def test_the_axis_may_lie_beside(tmp_path, suffix):
    side = tmp_path / f"Wavelengths{suffix}"
    if suffix == ".mat":
        save5(side, lambda_other=np.arange(5.0), lambda_this=AXIS)
    elif suffix == ".npy":
        np.save(side, AXIS)
    elif suffix == ".npz":
        np.savez(side, wl=AXIS)
    else:
        side.write_text("\n".join(map(str, AXIS)))
    (tmp_path / "wave_broken.mat").write_bytes(b"\0" * 300)
    path = save5(tmp_path / "a.mat", img=CUBE)
    with pytest.warns(GuessWarning, match=rf"in Wavelengths{suffix}, beside it\. Option channel decides"):
        cube = open_cube(path)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert cube["channel"].attrs["units"] == "nm"
    for channel in (side.name, str(side), *([f"{side}:lambda_this"] if suffix == ".mat" else [])):
        assert open_cube(path, channel=channel, units="nm").attrs["guesses"] == []


@pytest.mark.parametrize(
    ("name", "values", "units", "told"),
    [
        ("wavelength", AXIS, "nm", False),
        ("wl_um", AXIS / 1000, "um", True),
        ("lambda", AXIS / 1000, "um", False),
        ("wave", AXIS * 10, "Angstrom", False),
        ("raman_shift_cm1", AXIS, "1/cm", True),
        ("wavenumber", AXIS, "1/cm", True),
        ("energy", AXIS / 100, "keV", False),
        ("energy_keV", AXIS / 100, "keV", True),
    ],
)
def test_units_by_name_or_range(tmp_path, name, values, units, told):
    path = save5(tmp_path / "a.mat", img=CUBE, **{name: values})
    if told:
        assert open_cube(path)["channel"].attrs["units"] == units
    else:
        with pytest.warns(GuessWarning, match=f"took {units} from its range"):
            assert open_cube(path)["channel"].attrs["units"] == units
    assert open_cube(path, units="min")["channel"].attrs["units"] == "min"
