"""Which few of many known spectra a spectrum holds, with probabilities: read energies, then search, then presence."""
