"""What a result says in a hurry: only what was measured in it, and the most pressing thing first."""

import json

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.results.said import GRADUAL, MIXTURE, plain_sentence, try_next


def made(labels=None, **attrs):
    """Two components of 20 x 20 pixels, left and right, and of different shape."""
    labels = np.repeat([[0] * 10 + [1] * 10], 20, axis=0) if labels is None else labels
    spectra = np.array([[1.0, 2.0, 9.0], [9.0, 2.0, 1.0]])
    return xr.Dataset(
        {
            "labels": (("y", "x"), labels.astype(np.int32)),
            "confidence": (("y", "x"), np.where(labels < 0, np.nan, 0.8)),
            "component_spectra": (("component", "channel"), spectra),
            "micro_component": ("micro", [0, 1, 1]),
            "micro_mistaken": (("micro", "again"), np.array([[99.0, 1, 0], [1, 80, 19], [0, 40, 60]])),
        },
        attrs=attrs,
    )


def with_evidence(result, votes, between, **attrs):
    evidence = {"votes": json.dumps(votes), "between": between} | attrs
    return result.assign(evidence=(("criterion", "level"), np.zeros((1, 2)), evidence))


def test_the_number_and_what_most_checks_name():
    result = with_evidence(made(), {"a": 2, "b": 2, "c": 3, "d": 7, "e": None}, [2, 3])
    assert plain_sentence(result) == (
        "2 components, that is, groups of pixels with alike spectra. "
        "3 of 4 checks name 2 to 3; it is 2 to 3 with 80 % probability."
    )
    agreed = with_evidence(made(), {"a": 2, "b": 2, "c": 2}, [2, 2])
    assert plain_sentence(agreed).endswith("All checks name 2; it is 2 with 80 % probability.")


def test_components_that_are_mistaken_for_one_another_are_named():
    result = made()
    assert "differ little" not in plain_sentence(result)
    assert "Two of them, 1 and 2, differ little." in plain_sentence(result, np.array([0, 1, 2]))
    result["micro_mistaken"][0] = [60, 40, 0]
    assert "Two of them, 0 and 1, differ little." in plain_sentence(result)


def test_one_component_and_none():
    one = made().isel(component=[0])
    assert plain_sentence(one).startswith("Nothing to divide")
    assert plain_sentence(made(np.full((4, 4), -1))) == try_next(made(np.full((4, 4), -1))) == ""


def test_by_hand_the_checks_are_not_quoted():
    result = with_evidence(made(by_hand=["Cut at level 2 by hand."]), {"a": 5, "b": 5}, [5, 5])
    assert "check" not in plain_sentence(result)


def test_a_number_that_was_asked_for_is_said_to_be():
    result = made(sentence="2 components, as asked. Without that: 3 components (probability 40 %)")
    assert plain_sentence(result) == "2 components, as asked. They are groups of pixels with alike spectra."


def test_an_unmixed_result_says_what_is_left():
    result = made().assign(
        abundances=(("y", "x", "component"), np.ones((20, 20, 2))), residual=(("y", "x"), np.full((20, 20), 0.125))
    )
    assert "leave 12.5% of a spectrum" in plain_sentence(result)
    assert "--n-components 3" in try_next(result)
    assert try_next(result.assign(residual=result["residual"] / 10)) == ""


def test_nothing_is_advised_where_nothing_was_measured():
    assert try_next(made()) == ""
    assert try_next(with_evidence(made(), {"a": 2}, [2, 3])) == ""


CASES = {
    "pixels (40%) are no data: 7 broken (--mask)": made(history=["x", "7 of 9 pixels (40%) are no data: 7 broken (--mask)."]),
    "--step baseline": made(history=["A smooth background holds 95% of the variance; try --step baseline."]),
    "mean confidence 0.20": made().assign(confidence=(("y", "x"), np.full((20, 20), 0.2))),
    "may have the wrong component (mean confidence 0.50)": made().assign(
        confidence=(("y", "x"), np.full((20, 20), 0.5), {"means": "the probability"})
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", CASES)
def test_what_was_measured_is_advised(words):
    assert words in try_next(CASES[words])


def test_rules_that_were_not_right_often_enough_are_not_said():
    """benchmarks/advice_tried.py has them, benchmarks/results/advice.md how often they were right."""
    alike = {"component_spectra": (("component", "channel"), np.array([[1.0, 2, 9], [2.0, 4.0, 18.0]]))}
    speckle = np.indices((20, 20)).sum(0) % 2
    for result in (
        made(history=["Scaling none: highest silhouette."]).assign(alike),
        with_evidence(made(), {"a": 2}, [2, 7], doubts=json.dumps({MIXTURE: [2, 9], GRADUAL: [2]})),
        made(speckle),
        made().assign(scaling_score=("scaling", [0.59, 0.58])).assign_coords(scaling=["none", "zscore"]),
    ):
        assert try_next(result) == ""


def test_commands_to_look_at_two_maps_are_whole():
    doubtful = made(source="a scan.h5", method="consensus").assign(
        confidence=(("y", "x"), np.full((20, 20), 0.5), {"means": "the probability"})
    )
    assert try_next(doubtful, "runs/a b").endswith(
        "spaxel segment 'a scan.h5' -o 'runs/a b'-kmeans --method kmeans, then spaxel compare 'runs/a b' 'runs/a b'-kmeans."
    )
    assert try_next(doubtful.assign_attrs(method="kmeans")) == ""
    assert "segment '/RUN 1/FILE.h5' -o r-kmeans " in try_next(doubtful.assign_attrs(source="/RUN 1/FILE.h5"), "r")
    assert "segment FILE -o RUN-kmeans " in try_next(doubtful.assign_attrs(source="a cube in memory"))


@pytest.mark.parametrize(
    ("axis", "units", "other"),
    [
        ([650.0, 656.3, 663.0], "nm", "kmeans"),  # channels of 60 Å
        ([660.3, 660.8, 661.6], "nm", "learned"),
        ([4000.0, 4005.0, 4010.0], "Angstrom", "kmeans"),  # without Hα
        ([6600.0, 6605.0, 6612.0], "Angstrom", "learned"),
        ([6600.0, 6605.0, 6612.0], "eV", "kmeans"),
    ],
)
def test_a_doubtful_galaxy_is_put_beside_learned_distances(axis, units, other):
    doubtful = made(method="consensus").assign(
        confidence=(("y", "x"), np.full((20, 20), 0.5), {"means": "the probability"})
    )
    doubtful = doubtful.assign_coords(channel=("channel", axis, {"units": units}))
    assert f"--method {other}, then spaxel compare RUN RUN-{other}." in try_next(doubtful)


def test_advice_is_an_attribute_of_a_result_and_a_cut_takes_it_away():
    result = spaxel.KMeans().fit_predict(spaxel.simulate("ifu", height=24, width=24, channels=64))
    assert result.attrs["advice"] == try_next(result)
    assert "advice" not in spaxel.cut(result, 2).attrs


def test_doubts_of_splits_are_kept_in_the_result(tmp_path):
    cube = spaxel.simulate("maxrf", height=24, width=24, channels=64)
    doubts = json.loads(spaxel.KMeans().fit(cube).predict(cube)["evidence"].attrs["doubts"])
    assert doubts
    assert all(isinstance(k, int) and k >= 2 for numbers in doubts.values() for k in numbers)
