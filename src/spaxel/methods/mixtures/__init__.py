"""What the unmixing methods share: the base class, the result, the plain baselines."""
