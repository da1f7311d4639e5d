"""Cells of tables: what a spreadsheet would compute is text, and every name comes back."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaxel.errors import CONTROLS, printable
from spaxel.store.cells import TableWriter, celled, uncelled

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
dangerous = st.tuples(st.sampled_from(["=", "+", "-", "@", " =", "'=", "\t=", "\r@", "＝"]), names).map("".join)


def written(rows) -> str:
    file = io.StringIO(newline="")
    TableWriter(file).rows(rows)
    return file.getvalue()


@given(names | dangerous)
def test_every_text_comes_back_and_none_is_a_formula(name):
    cell = celled(name)
    assert uncelled(cell) == printable(name)
    assert not CONTROLS.search(cell)
    assert cell.lstrip().lstrip("'")[:1] not in tuple("=@＝＋－＠") or cell.startswith("'")
    assert celled(uncelled(cell)) == cell


@given(st.floats() | st.integers())
def test_numbers_stay_numbers(value):
    assert celled(value) is value
    assert celled(str(value)) == str(value)
    assert celled(f"{value} 1/cm") == f"{value} 1/cm" or str(value) in ("-inf", "inf", "nan")


@given(st.lists(names.filter(lambda name: name.strip()), min_size=1, max_size=5, unique=True))
def test_pandas_reads_the_names(found):
    shown = [printable(name) for name in found]
    read = pd.read_csv(
        io.StringIO(written([["name", "n"], *([name, 1] for name in found)])), keep_default_na=False, dtype=str
    )
    assert [uncelled(name) for name in read["name"]] == shown


@pytest.mark.parametrize(
    "name", ["azurite", "lead white, on oak", 'the "red"', "1,2-ethanediol", "β-carotene", "'tis", "a=b", "x@y"]
)
def test_ordinary_names_are_as_they_were(name):
    assert next(csv.reader(io.StringIO(written([[name]]), newline=""))) == [name]


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "  =1+1", "-OH stretch"]
)
def test_formulas_become_text(text):
    assert celled(text) == f"'{text}"
