"""Simulated leaves under a hyperspectral camera, on PROSPECT (extra leaf)."""
