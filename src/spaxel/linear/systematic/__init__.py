"""Systematic errors of a table of mixtures: how they look, how they are told from components, and how they are taken off."""
