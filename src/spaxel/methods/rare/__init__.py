"""Small targets: pixels that are rare in an image. Read: find, background, detectors, tails, candidates, unexplained."""
