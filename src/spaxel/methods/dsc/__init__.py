"""Deep Spectral Clustering (arXiv:2401.17695).

Read: estimator, settings, choice, start, distances, training, train_net, criterion, numpy_net, decoder, state, smoothing; net/
is what of it knows torch.
"""
