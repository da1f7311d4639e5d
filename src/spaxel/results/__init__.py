"""What a result is, and what is done with one without its model."""
