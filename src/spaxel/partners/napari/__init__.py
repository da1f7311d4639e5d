"""napari (extra `napari`): a run or a cube as layers, and the spectrum under the pointer.

`napari.yaml` says what there is; `reader` is asked for a path; `layers` makes plain tuples, without napari; `spectra` is the
widget.
"""
