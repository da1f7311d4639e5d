"""Simulated galaxies under an integral-field spectrograph."""
