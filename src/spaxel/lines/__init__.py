"""Spectral lines: tables of them, peaks of a spectrum, and which lines a peak may be. Plain arrays, nothing of cubes.

`xray` (fluorescence of the elements) and `gas` (emission of nebulae) are tables, which the simulated worlds use too; `peaks`
finds narrow peaks, `elements` and `nebula` name candidates for them. Nothing here proves what a thing is made of.
"""
