import ctypes

import numpy as np
import pytest

from spaxel.commands.allocator import return_tiles


def test_freed_tiles_go_back_to_the_system_and_arrays_are_as_before():
    return_tiles()
    return_tiles()
    assert np.arange(2_000_000).sum() == 1_999_999_000_000


@pytest.mark.parametrize("error", [OSError("no C library"), AttributeError("mallopt"), TypeError("Windows")])
def test_without_glibc_nothing_happens(monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    return_tiles()
