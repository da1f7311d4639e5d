"""Interpretation against worlds with known truth: pigments hold known elements, gas shows known lines."""

import numpy as np
import pytest
import xarray as xr

from spaxel.errors import CubeError, ParameterError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.results.convention import make_result
from spaxel.results.interpretation import errors, interpret
from spaxel.synth.ifu.world import CLASSES, ifu
from spaxel.synth.maxrf.pigments import GROUND, PIGMENTS
from spaxel.synth.maxrf.world import maxrf

OWN = {  # elements that a pigment shows clearly through 1 cm of air
    "lead white": {"Pb"}, "vermilion": {"Hg", "S"}, "azurite": {"Cu"}, "red ochre": {"Fe"}, "bone black": {"Ca", "P"},
    "smalt": {"K", "Co", "As"}, "umber": {"Fe", "Mn"}, "lead-tin yellow": {"Pb", "Sn"},
}  # fmt: skip


def of_truth(cube):
    """A result whose components are the true labels, with means and spreads of the measured spectra."""
    labels = cube["truth_labels"].values
    spectra, k = cube["spectra"].values.astype(float), labels.max() + 1
    own = [spectra[labels == i] for i in range(k)]
    sizes = np.array([len(s) for s in own])
    mean, spread = (
        np.stack([f(s, 0) if len(s) else np.full(spectra.shape[2], np.nan) for s in own]) for f in (np.mean, np.std)
    )
    result = make_result(
        cube, labels=labels.astype(np.int32), component_spectra=mean, component_spread=spread, component_size=sizes
    )
    units = {"units": "counts"} if cube["spectra"].dtype.kind == "u" else {}
    result["component_spectra"].attrs = units
    return result


def in_units(result, units, factor):
    axis = result["channel"]
    return result.assign_coords(channel=("channel", axis.values * factor, axis.attrs | {"units": units}))


@pytest.mark.parametrize("counts", [100.0, 1000.0])
def test_elements_of_pigments_are_found_and_few_others(counts):
    right = named = held = wanted = enriched = own = 0
    for seed in (120, 121, 122):
        cube = maxrf(48, 48, seed=seed, n_pigments=8, counts=counts, channels=512).compute()
        pigments = cube.attrs["truth_names"]
        possible = set(GROUND).union(*(PIGMENTS[p] for p in pigments)) | {"Rh", "Ar"}
        for pigment, candidates in zip(pigments, interpret(of_truth(cube)).candidates, strict=False):
            names = {c.name for c in candidates}
            named, right = named + len(names), right + len(names & possible)
            if names:
                wanted, held = wanted + len(OWN[pigment]), held + len(names & OWN[pigment])
            more = {c.name for c in candidates if c.times > 2}
            enriched, own = enriched + len(more), own + len(more & set(PIGMENTS[pigment]) | more & {"Sr"})
    assert right / named > 0.97
    assert held / wanted > 0.85
    assert own / enriched > 0.9


def test_components_of_a_fit_are_named_too():
    cube = maxrf(48, 48, seed=123, n_pigments=7, channels=512).compute()
    result = KMeans(n_clusters=7).fit(cube).predict(cube)
    found = interpret(result)
    assert found.kind == "elements"
    assert {"Pb", "Hg", "Cu", "Fe", "Ca", "Co"} <= {c.name for own in found.candidates for c in own if c.times > 1.5}


def test_lines_of_gas_are_found_at_the_redshift_and_not_at_another():
    found = dict.fromkeys(CLASSES, 0)
    wrong = 0
    strong = {"Hα", "Hβ", "[O III] 5007", "[N II] 6583", "[S II] 6716"}
    for seed in (120, 121):
        result = of_truth(ifu(48, 48, seed=seed).compute())
        here = interpret(result)
        assert here.kind == "gas"
        assert "redshift 0.01" in here.sentence
        for name, own in zip(CLASSES, here.candidates, strict=False):
            found[name] += len(strong & {c.name for c in own})
            wrong += sum(
                c.name in ("[N II] 5755", "He I 5876", "He II 4686", "He I 6678", "[Ar III] 7136") for c in own
            )
        assert sum(map(len, interpret(result, 0.02).candidates)) <= 1
    assert found["H II region"] == 10
    assert found["active nucleus"] >= 7
    assert wrong == 0


def test_the_unit_of_the_axis_does_not_matter():
    painting = of_truth(maxrf(32, 32, seed=3, channels=512).compute())
    galaxy = of_truth(ifu(32, 32, seed=3).compute())
    for result, units, factor in ((painting, "eV", 1000.0), (galaxy, "nm", 0.1), (galaxy, "um", 1e-4)):
        one, other = interpret(result), interpret(in_units(result, units, factor))
        assert [[(c.name, c.support) for c in own] for own in one.candidates] == [
            [(c.name, c.support) for c in own] for own in other.candidates
        ]
        pairs = [
            (a, b) for x, y in zip(one.candidates, other.candidates, strict=True) for a, b in zip(x, y, strict=True)
        ]
        assert pairs
        assert all(b.position == pytest.approx(factor * a.position) for a, b in pairs)
        assert other.units == units


def test_air_and_vacuum_differ_as_the_header_says():
    galaxy = of_truth(ifu(32, 32, seed=3).compute())
    said = galaxy.assign_attrs(wcs_header="CTYPE3  = 'AWAV    '")
    assert "air (as the file says)" in interpret(said).sentence
    vacuum = interpret(galaxy.assign_attrs(wcs_header="CTYPE3  = 'WAVE    '"))
    assert "vacuum (as the file says)" in vacuum.sentence
    air = {c.name: c.known for own in interpret(galaxy).candidates for c in own}
    shifted = {c.name: c.known for own in vacuum.candidates for c in own}
    both = set(air) & set(shifted)
    assert len(both) > 3
    assert all(shifted[name] - air[name] == pytest.approx(1.6, abs=0.4) for name in both)


def test_nothing_is_said_where_nothing_is_known():
    painting = of_truth(maxrf(16, 16, seed=3, channels=128).compute())
    galaxy = of_truth(ifu(16, 16, seed=3, channels=200).compute())
    assert interpret(galaxy.assign_attrs(redshift=None)).kind == ""
    assert interpret(painting.drop_vars("component_spread")).kind == ""
    assert interpret(in_units(painting, "keV", 0.05)).kind == ""
    assert interpret(in_units(painting, "1/cm", 1.0)).kind == ""
    assert interpret(painting[["labels"]]).candidates == ()
    with pytest.raises(CubeError):
        interpret(xr.Dataset())
    with pytest.raises(ParameterError, match="redshift is -3"):
        interpret(galaxy, -3.0)


def test_a_component_without_pixels_has_no_candidates_and_no_error_is_zero():
    cube = maxrf(24, 24, seed=5, channels=256).compute()
    result = of_truth(cube)
    assert (errors(result)[result["component_size"].values > 0] > 0).all()
    empty = result.copy(deep=True)
    empty["component_spectra"][0], empty["component_spread"][0], empty["component_size"][0] = np.nan, np.nan, 0
    assert interpret(empty).candidates[0] == []
    assert any(interpret(empty).candidates)
