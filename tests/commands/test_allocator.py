import ctypes

import pytest

from spaxel.commands.allocator import KEPT, LARGE, return_tiles


@pytest.fixture
def told(monkeypatch):
    """What the C library is told, in its place."""
    found = []

    class Library:
        @staticmethod
        def mallopt(option, value):
            found.append((option, value))

    monkeypatch.setattr(ctypes, "CDLL", lambda name: found.append(name) or Library)
    return found


def test_the_c_library_of_this_process_is_told_to_give_back_large_blocks(told):
    return_tiles()
    assert told == [None, (-3, LARGE), (-1, KEPT)]  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h


@pytest.mark.parametrize("error", [OSError("no C library"), AttributeError("mallopt"), TypeError("Windows")])
def test_without_glibc_nothing_happens(monkeypatch, error):
    asked = []

    def refuse(name):
        asked.append(name)
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert return_tiles() is None
    assert asked == [None]
