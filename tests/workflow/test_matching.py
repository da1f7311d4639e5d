"""Names for the components of a run from a library: right names, units, steps, what cannot be told, what it lacks."""

import csv
import json

import numpy as np
import pytest

import spaxel
from spaxel.errors import AxisError, CubeError, GuessWarning, ParameterError
from spaxel.metrics.common_axis import converted, on_common_axis, resampled
from spaxel.metrics.library import family_of, rank
from spaxel.workflow import runs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
NM = np.linspace(400, 1000, 121)
NAMES = (
    "ochre",
    "azurite",
    "chalk",
    "malachite",
    "soot",
    "vermilion",
    "umber",
    "smalt",
    "indigo",
    "madder",
    "gypsum",
    "minium",
)


def materials(axis, n=12, seed=0):
    """Reflectance of pigments with bands of their own, on any axis in nm."""
    rng = np.random.default_rng(seed)
    x = (axis - 400) / 600
    found = []
    for _ in range(n):
        s = rng.uniform(0.2, 0.5) + rng.uniform(-0.2, 0.2) * x + 0.2 / (1 + np.exp(-(x - rng.uniform(0.2, 0.8)) * 20))
        for _ in range(4):
            s = s - rng.uniform(0.03, 0.2) * np.exp(-(((x - rng.uniform(0, 1)) / rng.uniform(0.03, 0.1)) ** 2))
        found.append(np.clip(s, 0.02, None))
    return np.array(found)


def image(path, chosen, axis=NM, seed=0):
    """A stripe of each chosen material, with noise and light of its own."""
    rng = np.random.default_rng(seed)
    spectra = np.repeat(materials(axis)[list(chosen)], 12, 0)
    cube = spectra[:, None] * rng.uniform(0.9, 1.1, (len(spectra), 15, 1)) + rng.normal(
        0, 0.004, (len(spectra), 15, len(axis))
    )
    np.savez(path, cube=cube, wavelength_nm=axis)
    return path


def library(path, chosen=range(12), axis=NM, head="wavelength_nm", scale=1.0):
    lines = [",".join([head, *(NAMES[i] for i in chosen)])]
    rows = np.column_stack([axis * scale, materials(axis)[list(chosen)].T])
    path.write_text("\n".join([*lines, *(",".join(f"{v:.6g}" for v in row) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("match")
    return runs.segment(
        [image(folder / "a.npz", (1, 4, 7))], folder / "run", parameters={"n_clusters": 3}, method="kmeans"
    )


def first(answers):
    return sorted(answer.candidates[0].name for answer in answers)


def test_names_are_found(run, tmp_path):
    answers = spaxel.match(run, library(tmp_path / "lib.csv"))
    assert first(answers) == ["azurite", "smalt", "soot"]
    assert {answer.verdict for answer in answers} == {"fits"}
    assert all("sure" not in answer.sentence for answer in answers)
    for answer in answers:
        assert [c.angle for c in answer.candidates] == sorted(c.angle for c in answer.candidates)
        assert answer.candidates[0].angle < 0.02
        assert answer.candidates[0].correlation > 0.99
        assert all(c.error > 0 for c in answer.candidates)


def test_a_library_that_lacks_the_material(run, tmp_path):
    answers = spaxel.match(run, library(tmp_path / "lib.csv", [i for i in range(len(NAMES)) if i not in (1, 4, 7)]))
    assert all(answer.verdict != "fits" for answer in answers)
    assert sum(answer.verdict == "none fits" for answer in answers) >= 2
    assert all(answer.sentence.startswith("none fits") for answer in answers if answer.verdict == "none fits")


def test_a_small_library_has_limits_of_its_own(run, tmp_path):
    answers = spaxel.match(run, library(tmp_path / "lib.csv", (1, 2, 3)))
    assert next(a.verdict for a in answers if a.candidates[0].name == "azurite") == "fits"
    assert sum(a.verdict == "fits" for a in answers) == 1


@pytest.mark.parametrize(("head", "scale"), [("wavelength (um)", 1e-3), ("wavelength_nm", 1.0)])
@pytest.mark.parametrize("step", [0.5, 5, 13])
def test_other_units_and_steps(run, tmp_path, head, scale, step):
    axis = np.arange(380, 1030, step)
    answers = spaxel.match(run, library(tmp_path / "lib.csv", axis=axis, head=head, scale=scale))
    assert first(answers) == ["azurite", "smalt", "soot"]


def test_what_cannot_be_compared(run, tmp_path):
    with pytest.raises(AxisError, match="axis in nm, the library in 1/cm"):
        spaxel.match(run, library(tmp_path / "lib.csv", head="Raman shift"))
    with pytest.raises(AxisError, match="channels in common"):
        spaxel.match(run, library(tmp_path / "b.csv", axis=np.linspace(1200, 2000, 50)))
    with pytest.raises(ParameterError, match="top is 0"):
        spaxel.match(run, tmp_path / "lib.csv", top=0)
    with pytest.warns(GuessWarning, match=r"covers 3\d% of the axis"):
        spaxel.match(run, library(tmp_path / "c.csv", axis=np.linspace(400, 600, 60)))
    with pytest.raises(CubeError, match="is an image"):
        spaxel.match(run, spaxel.simulate("maxrf", height=8, width=9, channels=16))


def test_two_entries_that_the_spread_does_not_tell_apart(run, tmp_path):
    spectra = materials(NM)
    twin = spectra[1] * (1 + 1e-4 * np.sin(NM / 30))
    cube = spaxel.make_cube(np.vstack([spectra, twin])[:, None], NM, "nm")
    cube = cube.assign_coords(sample=("y", [*NAMES, "lazurite"]))
    answers = spaxel.match(run, cube)
    said = next(a.sentence for a in answers if "azurite" in a.candidates[0].name)
    assert "azurite or lazurite" in said or "lazurite or azurite" in said
    assert "no more than the spread" in said
    one = cube.assign_coords(sample=("y", [*NAMES, "azurite 2"]))
    assert not any(" or " in answer.sentence for answer in spaxel.match(run, one))


def test_unmixed_and_treated_runs(tmp_path):
    path = image(tmp_path / "a.npz", (1, 4, 7))
    lib = library(tmp_path / "lib.csv")
    derived = runs.segment([path], tmp_path / "d", parameters={"n_clusters": 3},
                           steps=[{"name": "derivative", "parameters": {"degree": 1}}], method="kmeans")  # fmt: skip
    assert first(spaxel.match(derived, lib)) == ["azurite", "smalt", "soot"]
    mixed = runs.segment([path], tmp_path / "m", method="nmf", parameters={"n_components": 3})
    answers = spaxel.match(mixed, lib, top=1)
    assert all(len(answer.candidates) == 1 for answer in answers)


def test_names_of_a_library_that_come_again(run, tmp_path):
    """A column of materials, several spectra of each: the groups are the names."""
    rng = np.random.default_rng(1)
    lines = [",".join(["mineral", *(f"{a:g} nm" for a in NM)])]
    for k in range(2 * len(NAMES)):
        spectrum = materials(NM)[k // 2] * rng.uniform(0.8, 1.2)
        lines.append(",".join([NAMES[k // 2], *(f"{v:.5f}" for v in spectrum)]))
    (tmp_path / "lib.csv").write_text("\n".join(lines) + "\n")
    answers = spaxel.match(run, tmp_path / "lib.csv")
    assert first(answers) == ["azurite", "smalt", "soot"]
    assert {answer.verdict for answer in answers} == {"fits"}


def test_a_library_of_envi(run, tmp_path):
    spectra = materials(NM).astype("<f4")
    (tmp_path / "lib.sli").write_bytes(spectra.tobytes())
    (tmp_path / "lib.hdr").write_text(
        f"ENVI\nsamples = {len(NM)}\nlines = {len(spectra)}\nbands = 1\nheader offset = 0\nfile type = ENVI Spectral Library\n"
        f"data type = 4\ninterleave = bsq\nbyte order = 0\nwavelength units = Micrometers\n"
        f"wavelength = {{{', '.join(f'{v / 1000:.5f}' for v in NM)}}}\nspectra names = {{{', '.join(NAMES)}}}\n"
    )
    assert spaxel.open_cube(tmp_path / "lib.sli")["sample"].values.tolist() == list(NAMES)
    assert first(spaxel.match(run, tmp_path / "lib.sli")) == ["azurite", "smalt", "soot"]


def test_the_command(cli, run, tmp_path):
    lib = library(tmp_path / "lib.csv")
    code, out, err = cli("match", run, "--library", lib, "--top", 2, "--out", tmp_path / "m.csv")
    assert (code, err) == (0, "")
    assert "azurite" in out
    assert " ± " in out
    with (tmp_path / "m.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["component", "rank", "name", "angle", "error", "correlation", "verdict"]
    assert len(rows) == 6
    assert [row["verdict"] for row in rows] == ["fits", ""] * 3
    told = json.loads(cli("match", run, "--library", lib, "--json")[1])
    assert [answer["component"] for answer in told] == ["component 0", "component 1", "component 2"]
    assert cli("match", run, "--library", lib, "--out", tmp_path / "m.csv")[0] == 2  # it is there already
    code, _, err = cli("match", tmp_path / "nothing", "--library", lib)
    assert code == 2
    assert "no run" in err


def test_resampling_keeps_lines_and_means():
    axis, target = np.arange(0, 100, 1.0), np.arange(5, 90, 10.0)
    np.testing.assert_allclose(resampled(axis, np.array([3 * axis + 1]), target)[0], 3 * target + 1)
    bump = np.exp(-(((axis - 45) / 4) ** 2))
    found = resampled(axis, bump[None], target)[0]
    np.testing.assert_allclose(found.sum() * 10, bump.sum(), rtol=0.01)


def test_gaps_are_not_bridged():
    axis = np.r_[np.arange(400, 600, 5.0), np.arange(800, 1000, 5.0)]
    other = np.arange(400, 1000, 20.0)
    common = on_common_axis(axis, np.ones((1, len(axis))), other, np.ones((2, len(other))))
    assert not ((common.axis > 630) & (common.axis < 770)).any()
    assert converted(np.array([1.0]), "um", "nm").tolist() == pytest.approx([1000])


def test_families_and_empty_libraries():
    assert family_of("Kaolinite CM9") == family_of("kaolinite-2") == "kaolinite"
    assert family_of("007") == "007"
    assert rank([], ["a"], np.ones((1, 5)), 3) == []
