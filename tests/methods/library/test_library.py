"""Unmixing by a library: what is there is found on every kind of data, and what cannot be told is not said."""

import numpy as np
import pytest
import xarray as xr
from sklearn.base import clone

import spaxel
from spaxel.errors import AxisError, CubeError, ParameterError
from spaxel.methods.library.estimator import LibraryUnmixing
from spaxel.methods.library.trust import trusted
from spaxel.methods.registry import load
from spaxel.store.run_folder import read_json, read_result

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
CHANNELS = 120


def library_of(m=60, seed=0, kind="bands"):
    rng = np.random.default_rng([seed, 5])
    x = np.linspace(0, 1, CHANNELS)
    made = []
    for _ in range(m):
        n = rng.integers(5, 9)
        made.append((rng.uniform(0.2, 1, (n, 1)) * np.exp(-((x - rng.random((n, 1))) ** 2) / 2e-4)).sum(0))
    made = np.array(made) / np.linalg.norm(made, axis=1, keepdims=True)
    return np.gradient(made, axis=1) if kind == "signed" else 0.3 + made if kind == "reflectance" else made


def mixtures_of(library, n=24, seed=0, kind="bands", db=30, among=None):
    """Spectra (n, channel) and amounts (n, m) of mixtures of one to three entries."""
    rng = np.random.default_rng([seed, 6])
    among = len(library) if among is None else among
    amounts = np.zeros((n, len(library)))
    for row in amounts:
        row[rng.choice(among, rng.integers(1, 4), replace=False)] = rng.uniform(1, 10)
    clean = amounts @ library
    if kind == "counts":
        scale = 200 / clean.mean()
        return rng.poisson(np.maximum(clean * scale, 0)).astype(float), amounts * scale
    noise = np.sqrt((clean**2).mean(1, keepdims=True) / 10 ** (db / 10))
    return clean + noise * rng.standard_normal(clean.shape), amounts


def by_entry(model, codes, names):
    """Abundances by the entries of the library; a group counts for its first name."""
    found = np.zeros((len(codes), len(names)))
    for column, name in enumerate(model.info_["names"]):
        found[:, names.index(name.split(" or ")[0])] = codes[:, column]
    return found


def test_it_is_an_estimator():
    library = library_of(12)
    spectra, _ = mixtures_of(library)
    model = LibraryUnmixing(library, random_state=3).fit(spectra)
    assert (model.n_features_in_, model.n_components_) == (CHANNELS, len(model.info_["names"]))
    assert clone(model).get_params()["random_state"] == 3
    before = {name: array.copy() for name, array in model.state_.items()}
    again = LibraryUnmixing(library, random_state=3).fit(spectra)
    np.testing.assert_array_equal(again.transform(spectra), model.transform(spectra))
    assert all(np.array_equal(before[name], model.state_[name]) for name in before)
    with pytest.raises(ValueError, match="features"):
        model.transform(spectra[:, :50])


@pytest.mark.parametrize("kind", ["bands", "counts", "reflectance", "signed"])
def test_what_is_there_is_found_with_its_amount(kind):
    library = library_of(kind=kind)
    spectra, amounts = mixtures_of(library, kind=kind)
    names = [f"spectrum {i}" for i in range(len(library))]
    model = LibraryUnmixing(library).fit(spectra)
    found = by_entry(model, model.transform(spectra), names)
    said, there = found > 0, amounts > 0
    assert 2 * (said & there).sum() / (said.sum() + there.sum()) > 0.97
    np.testing.assert_allclose(found[said & there], amounts[said & there], rtol=0.2)
    assert model.info_["simulated"]["found"] > 0.9


def test_twins_are_one_component_named_after_both():
    library = library_of()
    library[1] = library[0] + 1e-5 * library[2]
    spectra, _ = mixtures_of(library, among=6)
    model = LibraryUnmixing(library, names=[f"m{i}" for i in range(60)]).fit(spectra)
    assert "m0 or m1" in [" or ".join(sorted(name.split(" or "))) for name in model.info_["names"]]
    assert "cannot be told from others" in model.info_["sentence"]
    assert max(map(len, model.info_["alike"])) == 2


def test_what_is_said_is_so_where_entries_are_alike():
    rng = np.random.default_rng(3)
    x = np.linspace(0, 1, CHANNELS)
    library = 0.2 + np.exp(-((x - rng.random((80, 1))) ** 2) / 0.02)
    library += 0.5 * np.exp(-((x - rng.random((80, 1))) ** 2) / 0.02)
    spectra, amounts = mixtures_of(library, n=50, db=25)
    model = LibraryUnmixing(library).fit(spectra)
    result = model.transform(spaxel.make_cube(spectra[:, None]))
    said = result["presence"].values[:, 0]
    groups = model.state_["group_of"]
    there = np.stack([amounts[:, groups == g].any(1) for g in model.state_["kept"]], 1)
    sure = said > 0.9
    assert sure.sum() > 10
    assert there[sure].mean() > 0.85
    assert abs(said[said > 0.01].mean() - there[said > 0.01].mean()) < 0.1


def test_a_library_that_lacks_what_is_there_is_doubted():
    library = library_of(40)
    x = np.linspace(0, 1, CHANNELS)
    spectra = 2 * library[:20] + np.sin(6 * x) ** 2 + 0.01 * np.random.default_rng(0).standard_normal((20, CHANNELS))
    model = LibraryUnmixing(library).fit(spectra)
    assert any(
        "something that the library lacks" in said or "most that were allowed" in said
        for said in model.info_["warnings"]
    )
    strangers, _ = mixtures_of(library_of(5, seed=9))
    model = LibraryUnmixing(library).fit(strangers)
    assert model.info_["warnings"]


def test_a_background_is_left_out():
    library = library_of()
    spectra, amounts = mixtures_of(library)
    lifted = spectra + np.linspace(2, 5, CHANNELS) * np.random.default_rng(1).uniform(0.5, 1, (24, 1))
    model = LibraryUnmixing(library, background=2).fit(lifted)
    result = model.transform(spaxel.make_cube(lifted[:, None]))
    found = by_entry(model, result["abundances"].values[:, 0], [f"spectrum {i}" for i in range(60)])
    assert ((found > 0) == (amounts > 0)).mean() > 0.995
    assert float(result["residual"].max()) < 0.05


def test_the_same_bits_whatever_the_tiles(tmp_path):
    library = library_of(30)
    spectra, _ = mixtures_of(library, n=70 * 9)
    spectra[5, 3] = np.nan
    cube = spaxel.make_cube(spectra.reshape(70, 9, -1).astype(np.float32))
    model = LibraryUnmixing(library, n_sample=60).fit(cube)
    whole = model.transform(cube)
    assert {"presence", "abundance_error"} <= set(whole)
    model.memory = 2**17
    xr.testing.assert_identical(model.transform(cube.chunk(y=64, x=4)), whole)
    rows = model.transform(cube.isel(y=slice(20, 30)))
    np.testing.assert_array_equal(rows["presence"], whole["presence"][20:30])
    loaded = load(model.save(tmp_path / "model"))
    xr.testing.assert_identical(loaded.transform(cube), whole)


def written(path, names, axis, spectra):
    lines = ["sample," + ",".join(f"{value:g}" for value in axis)]
    lines += [f"{name}," + ",".join(f"{value:.8g}" for value in row) for name, row in zip(names, spectra, strict=True)]
    path.write_text("\n".join(lines))
    return path


def test_the_command_with_another_axis(cli, tmp_path):
    library, axis = library_of(20), np.linspace(500, 620, CHANNELS)
    spectra, amounts = mixtures_of(library)
    fine = np.linspace(490, 630, 1401)
    finer = np.stack([np.interp(fine, axis, row) for row in library])
    names = [f"mineral {i}" for i in range(20)]
    mixed = written(tmp_path / "mixed.csv", [f"s{i}" for i in range(24)], axis, spectra)
    known = written(tmp_path / "known.csv", names, fine, finer)
    code, _, err = cli("unmix", mixed, "--library", known, "-o", tmp_path / "run", "--units", "nm")
    assert (code, "Traceback" in err) == (0, False)
    run, result = read_json(tmp_path / "run"), read_result(tmp_path / "run")
    assert (run["method"], run["parameters"]["library"]) == ("library", str(known))
    assert set(result["component"].values) <= set(names)
    table = (tmp_path / "run" / "components.csv").read_text().splitlines()
    assert table[0].endswith("highest_presence")
    assert table[1].split(",")[1].startswith("mineral")
    header = (tmp_path / "run" / "abundances.csv").read_text().splitlines()[0]
    assert f"{result['component'].values[0]} presence" in header
    assert "abundance error" in header
    there = [f"mineral {i}" for i in np.flatnonzero(amounts.any(0))]
    assert len(set(there) & set(result["component"].values)) > 0.9 * len(there)
    assert cli("predict", tmp_path / "run", mixed, "-o", tmp_path / "again", "--units", "nm")[0] == 0
    xr.testing.assert_equal(read_result(tmp_path / "again")["presence"].load(), result["presence"].load())
    short = written(tmp_path / "short.csv", names, fine[:700], finer[:, :700])
    code, _, err = cli("unmix", mixed, "--library", short, "-o", tmp_path / "other", "--units", "nm")
    assert code == 2
    assert "Try --step crop with 500:559.9" in err


def test_what_cannot_be_used_is_refused():
    library = library_of(10)
    spectra, _ = mixtures_of(library)
    for given, error, words in [
        (None, ParameterError, "no library"),
        (library[:, :50], ParameterError, "expected"),
        (np.zeros((3, CHANNELS)), CubeError, "zero or not finite"),
    ]:
        with pytest.raises(error, match=words):
            LibraryUnmixing(given).fit(spectra)
    with pytest.raises(ParameterError, match="3 names for 10"):
        LibraryUnmixing(library, names=["a", "b", "c"]).fit(spectra)


def test_noise_holds_nothing_for_sure():
    library = library_of(40)
    noise = np.random.default_rng(0).standard_normal((20, CHANNELS))
    model = LibraryUnmixing(library).fit(noise)
    result = model.transform(spaxel.make_cube(noise[:, None]))
    assert (result["presence"].values > 0.9).mean() < 0.05
    assert trusted(model_trust(model), np.ones(1), settled=True)[0] < 1


def model_trust(model):
    from spaxel.methods.library.trust import Trust
    from spaxel.methods.state import unpack

    return unpack(Trust, model.state_, "trust_")


def on_axis(spectra, axis, **more):
    return spaxel.make_cube(spectra[:, None], axis, "nm", **more)


def test_a_library_on_another_axis_goes_through_the_steps_on_that_of_the_data(tmp_path):
    """A derivative counts channels: on the finer axis of the library it would be smaller, and amounts larger."""
    library, fine = library_of(20), np.linspace(400, 1000, 601)
    coarse = np.linspace(400, 1000, CHANNELS)
    on_fine = np.array([np.interp(fine, coarse, row) for row in library])
    np.savetxt(tmp_path / "lib.csv", np.vstack([fine, on_fine]), delimiter=",", fmt="%.6g")
    spectra, amounts = mixtures_of(library, 24, db=40)
    cube = spaxel.derivative(on_axis(spectra, coarse), degree=1)
    model = LibraryUnmixing(tmp_path / "lib.csv").fit(cube)
    found = model.transform(cube)["abundances"].values[:, 0]
    assert found.sum() == pytest.approx(amounts.sum(), rel=0.1)


def test_channels_that_the_library_lacks_are_not_invented(tmp_path):
    library, axis = library_of(20), np.linspace(400, 1000, CHANNELS)
    lacking = library.copy()
    lacking[:, 40:60] = np.nan
    spaxel.write_cube(on_axis(lacking.astype(np.float32), axis), tmp_path / "lib.zarr")
    cube = on_axis(mixtures_of(library)[0], axis)
    with pytest.raises(AxisError, match=r"no values at 20 channels of the data, from 60"):
        LibraryUnmixing(tmp_path / "lib.zarr").fit(cube)
    rest = cube.isel(channel=[*range(40), *range(60, CHANNELS)])
    assert LibraryUnmixing(tmp_path / "lib.zarr").fit(rest).n_components_ > 0


def test_a_spectrum_in_which_nothing_is_present_has_no_label():
    library = library_of(20)
    spectra, _ = mixtures_of(library, 24)
    noise = np.random.default_rng(3).normal(0, spectra.std() / 30, (4, CHANNELS))
    model = LibraryUnmixing(library).fit(spectra)
    result = model.transform(spaxel.make_cube(np.concatenate([spectra, noise])[:, None]))
    empty = (result["abundances"].values == 0).all(-1)[:, 0]
    assert empty[-4:].any()
    assert ((result["labels"].values[:, 0] == -1) == empty).all()
    assert int(result["component_size"].sum()) == int((~empty).sum())


def test_names_are_separated_by_commas():
    from spaxel.methods.contract import parse_parameters

    assert parse_parameters(LibraryUnmixing, {"names": "one, two"})["names"] == ["one", "two"]
