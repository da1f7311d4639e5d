"""Simulated paintings under X-ray fluorescence."""
