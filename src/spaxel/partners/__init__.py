"""Other programs as neighbours in one session: HyperSpy signals in and out, and what napari shows of a run."""
