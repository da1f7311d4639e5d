import inspect
import pydoc
from dataclasses import fields
from typing import Annotated, Literal

import pytest
from pydantic import Field
from sklearn.base import clone

from spaxel.methods.consensus.estimator import Segment
from spaxel.methods.contract import check_parameters, parse_parameters
from spaxel.methods.dgc.estimator import DeepGlobalClustering
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.methods.parameters import NClusters, declared, descriptions, in_words

DECLARED = [KMeans, Segment, DeepSpectralClustering, DeepGlobalClustering]


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "int"),
        (int | None, "int | None"),
        (NClusters, 'int | "auto"'),
        (
            Annotated[Annotated[int, Field(ge=1)] | Literal["a", "b"] | None, Field(description="x")],
            'int | "a" | "b" | None',
        ),
        (Annotated[Annotated[int, Field(ge=1)] | Annotated[int, Field(lt=9)], Field(description="x")], "int"),
        (list[list[float]] | None, "list[list[float]] | None"),
        (Literal[1, 2], "1 | 2"),
    ],
)
def test_types_are_written_as_people_write_them(hint, words):
    assert in_words(hint) == words


@pytest.mark.parametrize("method", DECLARED)
def test_help_shows_a_signature_that_people_can_read(method):
    shown = str(inspect.signature(method))
    assert "Annotated" not in shown
    assert "Field(" not in shown
    page = pydoc.render_doc(method, renderer=pydoc.plaintext)
    first = next(line for line in page.splitlines() if f"{method.__name__}(n_" in line)
    assert 'n_clusters: int | "auto"' in first
    assert "random_state: int = 0" in first
    assert not [line for line in page.splitlines() if "Annotated[" in line and "__annotations__ =" not in line]
    for name, text in descriptions(method).items():
        assert f"{name} : {text}" in page


@pytest.mark.parametrize("method", DECLARED)
def test_a_declared_method_keeps_its_parameters(method):
    model = method(n_clusters=4, random_state=3)
    assert list(inspect.signature(method).parameters) == [f.name for f in fields(method)]
    assert clone(model).get_params() == model.get_params()
    assert model.get_params()["n_clusters"] == 4
    check_parameters(model)
    assert parse_parameters(method, {"n_clusters": "5", "memory": "1024"}) == {"n_clusters": 5, "memory": 1024}


def test_every_parameter_is_described():
    @declared
    class Example:
        number: Annotated[int, Field(ge=1, description="how many")] = 1

    assert descriptions(Example) == {"number": "how many"}
    assert str(inspect.signature(Example)) == "(number: int = 1)"
    assert Example(number=2).number == 2
