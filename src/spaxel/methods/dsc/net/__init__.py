"""The autoencoders of Deep Spectral Clustering, their losses and objective. Needs torch."""
