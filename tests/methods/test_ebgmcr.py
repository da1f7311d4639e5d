import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from spaxel.methods.ebgmcr import EnergyMCR

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what is not identifiable is said; MCR's tests look at it


@parametrize_with_checks([EnergyMCR(n_components=2, epochs=2)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)
