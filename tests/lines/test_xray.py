import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.lines.xray import absorption, elements, line_energies


@pytest.mark.parametrize(
    ("element", "line", "energy"),
    [("Fe", "Ka1", 6.404), ("Cu", "Ka1", 8.048), ("Pb", "La1", 10.552), ("Hg", "La1", 9.989), ("Ca", "Ka1", 3.692),
     ("Sn", "Ka1", 25.271), ("Sn", "La1", 3.444), ("Pb", "Ma", 2.342), ("Mn", "Kb1", 6.490), ("U", "La1", 13.615)],
)  # fmt: skip
def test_energies_as_in_every_handbook(element, line, energy):
    assert {found.name: found.energy for found in line_energies(element)}[line] == pytest.approx(energy, abs=0.005)


@pytest.mark.parametrize("element", elements())
def test_lines_of_every_element(element):
    lines = line_energies(element)
    assert [line.energy for line in lines] == sorted(line.energy for line in lines)
    for series in "KLM":
        strength = [line.intensity for line in lines if line.name.startswith(series)]
        assert not strength or max(strength) == 1
        assert all(0 <= value <= 1 for value in strength)


def test_the_k_series_keeps_its_proportions():
    iron = {line.name: line.intensity for line in line_energies("Fe")}
    assert iron["Ka2"] == pytest.approx(0.51, abs=0.02)
    assert (iron["Kb1"] + iron["Kb3"]) / (iron["Ka1"] + iron["Ka2"]) == pytest.approx(0.14, abs=0.02)


def test_absorption_jumps_at_an_edge():
    below, above = absorption({"Fe": 1.0}, np.array([7.1, 7.13]))
    assert above > 7 * below
    np.testing.assert_allclose(absorption({"Pb": 0.5, "H": 0.5}, np.array([20.0])), 42, rtol=0.03)


def test_an_unknown_element_is_refused():
    with pytest.raises(ParameterError, match=r"no X-ray lines of 'Xx'. Known elements: C, N, O"):
        line_energies("Xx")
    with pytest.raises(ParameterError, match="Known elements"):
        absorption({"Xx": 1.0}, np.array([5.0]))
