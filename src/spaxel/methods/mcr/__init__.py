"""MCR: pure spectra, how many, how much of each. Read: estimator, components, constraints, codes, bands."""
