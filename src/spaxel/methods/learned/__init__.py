"""Distances learned from simulated worlds of a field, whose truth is known, beside the consensus.

Read: `fields` (physical grids), `encoder` (what is seen, and the net in NumPy), `worlds` (what is learned from), `net/`
(torch), `learning`, `weights` (those of the package lie in `shipped/`), `nearness` (the guard), `model`, `estimator`.
"""
