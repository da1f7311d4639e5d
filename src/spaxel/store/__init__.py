"""A run folder: what it holds, how it is written, what it was made of."""
