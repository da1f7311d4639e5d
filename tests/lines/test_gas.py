import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.lines.gas import LINES, STRONGER, relatives, to_vacuum, wavelengths


@pytest.mark.parametrize(
    ("name", "vacuum"),
    [("Hα", 6564.61), ("Hβ", 4862.68), ("[O III] 5007", 5008.24), ("[N II] 6583", 6585.27), ("[S II] 6731", 6732.67),
     ("[O II] 3729", 3729.88), ("[O I] 6300", 6302.05)],
)  # fmt: skip
def test_wavelengths_in_vacuum_as_in_the_tables_of_the_sloan_survey(name, vacuum):
    assert wavelengths("vacuum")[name] == pytest.approx(vacuum, abs=0.06)


def test_air_at_rest_is_the_table_and_a_redshift_stretches_vacuum():
    assert wavelengths("air") == pytest.approx(LINES, abs=1e-4)
    rest, far = wavelengths("vacuum"), wavelengths("vacuum", 0.5)
    np.testing.assert_allclose([far[n] for n in LINES], 1.5 * np.array([rest[n] for n in LINES]))
    air = wavelengths("air", 0.5)
    np.testing.assert_allclose([to_vacuum(air[n]) for n in LINES], [far[n] for n in LINES], rtol=1e-7)


def test_relatives_know_each_other():
    for name in LINES:
        assert name not in relatives(name)
        assert all(name in relatives(other) for other in relatives(name))
    assert all(strong in relatives(weak) for weak, strong in STRONGER.items())


@pytest.mark.parametrize(("medium", "redshift"), [("water", 0.0), ("air", -0.5), ("air", float("nan"))])
def test_nonsense_is_refused(medium, redshift):
    with pytest.raises(ParameterError):
        wavelengths(medium, redshift)
