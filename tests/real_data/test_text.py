"""Real files of text maps and small formats: they open as the README of the data says, with no option."""

import numpy as np
import pytest

from spaxel import open_cube
from spaxel.errors import GuessWarning, SpaxelError
from spaxel.readers import readers
from spaxel.store.run_folder import read_result
from spaxel.testing import check_reader
from spaxel.workflow import runs

pytestmark = [pytest.mark.real_data, pytest.mark.filterwarnings("default::spaxel.errors.GuessWarning")]

FILES = {  # file -> shape, unit, ends of the axis
    "map_test.xyz": ((4, 4, 9), "1/cm", (1634.84, 1641.69)),
    "4-angle-ftir_multiin1.tab": ((2, 2, 129), "1/cm", (1203.42, 1697.13)),
    "BARBITUATES.SPC": ((286, 1, 219), "m/z", (26, 244)),
    "m_xyxy.spc": ((512, 1, 179), "m/z", (20, 198)),
    "4x4_pixel_PE_image.fsm": ((4, 4, 1626), "1/cm", (750, 4000)),
    "Example_Continuous.imzML": ((3, 3, 8399), "m/z", (100.083, 799.917)),
}


@pytest.mark.parametrize("file", FILES)
def test_opens_as_the_readme_says(real, file):
    path = real / "formats" / file
    cube = open_cube(path)
    shape, units, ends = FILES[file]
    assert cube["spectra"].shape == shape
    assert cube["channel"].attrs["units"] == units
    np.testing.assert_allclose(cube["channel"].values[[0, -1]], ends, rtol=1e-5)
    assert bool(cube["valid"].all())
    check_reader(readers()[cube.attrs["reader"]], path)


def test_pixel_sizes(real):
    assert open_cube(real / "formats/map_test.xyz").attrs["pixel_size"] == [3, 2]
    perkin = open_cube(real / "formats/4x4_pixel_PE_image.fsm")
    assert (perkin.attrs["pixel_size"], perkin.attrs["pixel_units"]) == ([50, 50], "um")
    masses = open_cube(real / "formats/Example_Continuous.imzML")
    assert (masses.attrs["pixel_size"], masses.attrs["pixel_units"]) == ([100, 100], "um")


def test_a_map_is_what_stands_in_the_file(real):
    rows = [line.split("\t") for line in (real / "formats/map_test.xyz").read_text().splitlines()[1:] if line]
    cube = open_cube(real / "formats/map_test.xyz")
    for x, y, *values in rows:
        found = cube["spectra"].values[(int(y) - 4) // 3, (int(x) - 1) // 2, ::-1]
        np.testing.assert_array_equal(found, np.array(values, float))


def test_a_chromatogram_can_be_unmixed(real, tmp_path):
    with pytest.warns(GuessWarning, match="Option bin decides"):
        cube = open_cube(real / "formats/BARBITUATES.SPC")
    assert cube["sample"].values[0] == "4.02718 min"
    total = cube["spectra"].values[:, 0].sum(1)
    assert total.max() > 5 * np.median(total)  # there are peaks
    run = runs.segment(
        [real / "formats/BARBITUATES.SPC"], tmp_path / "run", method="nmf", parameters={"n_components": 4}
    )
    result = read_result(run)
    assert result["abundances"].shape == (286, 1, 4)
    assert "4.02718 min" in (run / "abundances.csv").read_text()


@pytest.mark.parametrize("file", FILES)
def test_damage_of_real_files(real, tmp_path, file):
    """Copies of each with a few bytes changed, or cut: only errors of spaxel."""
    source = real / "formats" / file
    path = tmp_path / file
    if path.suffix == ".imzML":
        (tmp_path / "Example_Continuous.ibd").write_bytes(source.with_suffix(".ibd").read_bytes())
    whole = source.read_bytes()
    name = open_cube(source).attrs["reader"]
    rng = np.random.default_rng(7)
    for k in range(60):
        bad = bytearray(whole)
        for _ in range(rng.integers(1, 5)):
            bad[int(len(bad) * rng.random() ** 3)] = rng.integers(256)  # more of them in the header
        path.write_bytes(bad[: rng.integers(len(bad))] if k % 10 == 0 else bad)
        try:
            open_cube(path, reader=name)
        except SpaxelError:
            continue
