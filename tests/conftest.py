"""Where the real data lie, and what is skipped without them."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same every time", derandomize=True)
settings.load_profile("same every time")

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
