import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.lines.asked import elements_asked, gas_asked
from spaxel.lines.gas import wavelengths
from spaxel.lines.windows import Window, apart, net_weights

AXIS = np.linspace(1, 10, 451)


def test_the_net_sum_is_that_of_the_line_whatever_slope_lies_below():
    line = 7 * np.exp(-(((AXIS - 5) / 0.06) ** 2) / 2)
    spectra = np.stack([line + 3 + 2 * AXIS, line, 100 - 9 * AXIS])
    weights = net_weights(AXIS, Window("Cr Kα", 5.0, 4.8, 5.2), [(4.8, 5.2)], 0.5)
    total = line[(AXIS >= 4.8) & (AXIS <= 5.2)].sum()
    np.testing.assert_allclose(weights.of(spectra), [total, total, 0], rtol=1e-3, atol=1e-9)


def test_other_lines_are_no_background_and_a_missing_value_is_bridged():
    spectrum = 2.0 + 50 * np.exp(-(((AXIS - 5.4) / 0.06) ** 2) / 2)
    window = Window("x", 5.0, 4.9, 5.1)
    assert net_weights(AXIS, window, [], 0.5).of(spectrum) < -50
    weights = net_weights(AXIS, window, [(5.15, 5.65)], 0.5)
    assert weights.of(spectrum) == pytest.approx(0, abs=0.01)
    spectrum[200] = np.nan  # 5.0
    assert weights.of(spectrum) == pytest.approx(0, abs=0.01)
    spectrum[170:215] = np.nan
    assert np.isnan(weights.of(spectrum))
    assert net_weights(AXIS, Window("off", 20.0, 19.0, 21.0), [], 1.0) is None


def test_windows_of_near_lines_meet_in_the_middle():
    windows = apart([("b", 5.0), ("a", 4.9)], [0.2, 0.2])
    assert [(w.name, round(w.low, 3), round(w.high, 3)) for w in windows] == [("a", 4.7, 4.95), ("b", 4.95, 5.2)]


def test_lines_are_found_by_the_names_that_people_type():
    where = wavelengths("air", 0.0)
    axis = np.linspace(4800, 7000, 100)
    asked = gas_asked(["Ha", "oiii", "[N II]6583"], where, axis)
    assert [name for name, _ in asked] == ["Hα", "[O III] 4959", "[O III] 5007", "[N II] 6583"]
    for wrong, words in ((["Hx"], "There is no line"), (["[S III] 9531"], "off the axis")):
        with pytest.raises(ParameterError, match=words):
            gas_asked(wrong, where, axis)
    energy = np.linspace(1, 14, 400)
    found = elements_asked(["fe", "Pb", "Pb Lb", "Hg La"], energy, 0.14)
    assert [name for name, _ in found] == ["Fe Kα", "Pb Lα", "Pb Lβ", "Hg Lα"]
    for wrong, words in ((["Xx"], "no element"), (["Fe Z"], "has no line"), (["C"], "No strong line")):
        with pytest.raises(ParameterError, match=words):
            elements_asked(wrong, energy, 0.14)
