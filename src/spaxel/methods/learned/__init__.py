"""Distances learned from simulated worlds of a field, whose truth is known, beside the consensus.

Read: `fields` (physical grids), `encoder` (the net in NumPy), `sights` (what it sees), `paintings`, `galaxies`, `worlds` (what
is learned from), `net/` (torch), `learning`, `weights` (those of the package lie in `shipped/`), `light` and `nearness` (the
guard), `redshift`, `model`, `known` (what of it fits some cubes), `estimator`.
"""
