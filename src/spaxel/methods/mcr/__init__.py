"""Multivariate curve resolution: pure spectra, how many, how much of each."""
