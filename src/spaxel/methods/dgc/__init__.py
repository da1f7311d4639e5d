"""Deep Global Clustering (arXiv:2512.24172).

Read: estimator, settings, axes, windows, prototypes, training, encoder, borders.
"""
