"""What the segmenting methods share: models of centres, their groups, confidence and doubt."""
