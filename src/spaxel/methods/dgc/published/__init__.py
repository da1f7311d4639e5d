"""Deep Global Clustering as its paper has it: encoder, objective, training. To compare. Needs torch."""
