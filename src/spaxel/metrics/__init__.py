"""Numbers for the report: how good are labels, spectra and abundances, with a truth and without."""

from __future__ import annotations

from spaxel.metrics.labels import score, silhouette, spatial_coherence, stability
from spaxel.metrics.spectra import abundance_rmse, matched_spectra, spectral_angle

__all__ = [
    "abundance_rmse",
    "matched_spectra",
    "score",
    "silhouette",
    "spatial_coherence",
    "spectral_angle",
    "stability",
]
