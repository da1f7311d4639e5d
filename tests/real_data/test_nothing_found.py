"""In no real file is a mark for no data or a full detector found that is none."""

import warnings

import pytest

from spaxel.errors import SpaxelError
from spaxel.readers import open_cube

pytestmark = pytest.mark.real_data

HIDDEN = ("lie far from all others", "lie at the ceiling", "beside the cube hides")


def test_nothing_is_found_in_good_files(real):
    opened = 0
    for path in sorted(path for path in real.rglob("*") if path.is_file() and ".zspy" not in str(path)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                cube = open_cube(path)
            except SpaxelError:
                continue
        opened += 1
        assert not [s for s in cube.attrs["guesses"] if any(words in s for words in HIDDEN)], path
        assert "saturated" not in cube, path
    assert opened > 60
