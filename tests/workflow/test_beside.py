import dask
import dask.array as da
import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.figures.palette import palette
from spaxel.results.convention import make_result
from spaxel.workflow.beside import common_colors, scored


def test_a_truth_without_a_label_gives_no_score_and_no_other_machine_is_asked(monkeypatch):
    def cluster(*_, **__):
        raise AssertionError("a cluster was asked")

    labels = np.zeros((40, 30), np.int32)
    result = make_result(make_cube(np.ones((40, 30, 2))), labels=labels)
    with dask.config.set(scheduler=cluster):
        for truth in (labels - 1, labels):
            lazy = da.from_array(truth, chunks=16)
            assert ("score" in scored(result.assign(truth_labels=(("y", "x"), lazy)))) == (truth is labels)


@pytest.mark.parametrize("n", [1, 8, 9, 40, 300])
def test_colours_of_many_results_are_those_of_the_palette_each_once(n):
    labels = (np.add.outer(np.arange(40), np.arange(30)) // 9 % 5).astype(np.int32)
    result = make_result(make_cube(np.ones((40, 30, 2))), labels=labels, component_color=np.arange(5))
    assert sorted(common_colors([result] * n)) == sorted(palette(5))
