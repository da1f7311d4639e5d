"""The line on what to try is in run.json, with commands that name this run, until the run is cut."""

import spaxel
from spaxel.results.advice import try_next
from spaxel.store.run_folder import read_json, read_result
from spaxel.workflow.runs import recut, segment


def test_advice_of_a_run_names_its_commands_and_goes_with_a_cut(tmp_path):
    cube = spaxel.simulate("ifu", height=20, width=20, channels=48, snr=1.0)
    file = spaxel.write_cube(cube, tmp_path / "galaxy.zarr")
    run = segment([file], tmp_path / "run", parameters={"n_clusters": "4", "scaling": "zscore"})
    said = read_json(run)["advice"]
    assert said == try_next(read_result(run), str(run))
    assert f"spaxel compare {run} {run}-" in said
    assert "advice" not in read_json(recut(run, 3))
