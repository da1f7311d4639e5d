"""EB-gMCR (arXiv:2507.23600). Read: estimator, laws, codes, solve, fit, net."""
