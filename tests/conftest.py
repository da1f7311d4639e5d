"""Where the real data lie, and what is skipped without them."""

from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real cubes."""
    return REAL


def pytest_collection_modifyitems(items):
    if not REAL.is_dir():
        skip = pytest.mark.skip(reason=f"the real data are not at {REAL}")
        for item in items:
            if "real_data" in item.keywords:
                item.add_marker(skip)
