"""The pictures that report and viewer share (Bokeh): one visual language for both.

palette   colours of components                reduce    what is too large for a screen, made smaller
maps      picture, labels, confidence          spectra   mean and spread of components, small drawings for tables
evidence  what speaks for the number
"""
