"""The solver behind MCR of a scene: corners of the cloud of pixels."""
