"""CPU seconds of the whole public fit, spaxel.MCR().fit, on the published EB-gMCR grid (4N samples), beside its bars.

    python benchmarks/mcr_grid_times.py

prints one line per number of components and exits with 1 if a fit takes longer than its bar. For a check of your own:
`from mcr_grid_times import measure, BARS`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from mcr_grid import FIRST_SEED, data
from spaxel import MCR

BARS = {16: 0.3, 64: 1.0, 256: 6.0}  # CPU seconds by number of components
MIXED, DB = 4, 20  # components in a sample at most, and signal over noise


class Timed(NamedTuple):
    """k : true number of components      found : by the fit      seconds : CPU, of one thread      bar : what it may take"""

    k: int
    found: int
    seconds: float
    bar: float

    @property
    def held(self) -> bool:
        """Whether the fit was quick enough."""
        return self.seconds <= self.bar


def measure(numbers: Sequence[int] = tuple(BARS), seed: int = FIRST_SEED) -> list[Timed]:
    """Fit a table of 4N mixtures for each N of `numbers`, on one thread, after a small fit that pays for the imports.

    The bar of a number that has none is that of the next larger one.
    """
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _fit(8, seed)
        return [_fit(k, seed) for k in numbers]


def _fit(k: int, seed: int) -> Timed:
    spectra = data(seed, k, 4, MIXED, DB)[0][: 4 * k]
    start = time.process_time()
    model = MCR().fit(spectra)
    seconds = time.process_time() - start
    return Timed(k, model.n_components_, seconds, BARS[min(n for n in BARS if n >= k)])


def main() -> None:
    """Measure and print; exit code 1 where a bar is not held."""
    timed = measure()
    for one in timed:
        said = "" if one.held else ": too slow"
        print(f"N = {one.k}: {one.found} found in {one.seconds:.2f} CPU s, bar {one.bar:g}{said}")
    sys.exit(0 if all(one.held for one in timed) else 1)


if __name__ == "__main__":
    main()
