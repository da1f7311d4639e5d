"""Distances learned from simulated worlds of a field, whose truth is known: `fields` (physical grids), `inputs`, `encoder`,
`weights` (of each field, shipped), `worlds` (what is learned from), `net` (torch), `model`, `estimator`."""
