"""Weights that come with the package, one file for each field; `spaxel train-metric` makes them."""
