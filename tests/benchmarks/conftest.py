"""What the benchmarks compare with is tested too, where the benchmarks are at hand (a wheel has none)."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
collect_ignore_glob = [] if BENCHMARKS.is_dir() else ["test_*.py"]
sys.path.insert(0, str(BENCHMARKS))
