"""Matches of a library that are kept in a run, and shown as long as the components stay as they are."""

import re

import numpy as np

from spaxel.store.run_folder import read_json, read_result


def test_kept_matches_stand_on_the_page_until_the_components_change(own_run, cli, tmp_path):
    result = read_result(own_run).load()
    axis, spectra = result["channel"].values, result["component_spectra"].values
    rows = ["name," + ",".join(f"{value:g}" for value in axis)]
    for name, spectrum in zip(("ochre <b>red</b>", "azurite", "chalk"), spectra, strict=True):
        rows.append(f"{name}," + ",".join(f"{value:.6g}" for value in spectrum))
    library = tmp_path / "library.csv"
    library.write_text("\n".join(rows))
    units = result["channel"].attrs.get("units", "index")
    given = ("--units", units) if units != "index" else ()
    head = "Which spectra of the library are nearest?"
    assert head not in (own_run / "report.html").read_text("utf-8")
    assert cli("match", own_run, "--library", library, *given, "--keep")[0] == 0
    kept = read_json(own_run)["matches"]
    assert kept["library"] == "library.csv"
    assert [answer["nearest"][0][0] for answer in kept["answers"]] == ["ochre <b>red</b>", "azurite", "chalk"]
    page = (own_run / "report.html").read_text("utf-8")
    assert head in page
    assert "ochre &lt;b&gt;red&lt;/b&gt;" in page
    assert re.search(r"<td>azurite</td><td class=\"n\">0\.000 ±", page)
    assert np.isfinite([answer["nearest"][0][1] for answer in kept["answers"]]).all()
    assert cli("cut", own_run, "2")[0] == 0
    assert head not in (own_run / "report.html").read_text("utf-8")
