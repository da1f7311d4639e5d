"""Which of many known spectra a spectrum holds, and how much of each.

Read: estimator, entries (the library), candidates (what the fit finds), trust (calibration), spaxel.linear.supports.
"""
