"""Deep Global Clustering (arXiv:2512.24172).

Read: estimator, settings, axes, windows, micro_clusters, training, encoder, borders; net/ is what of it knows torch, published/
is the objective and the encoder as published, to compare.
"""
