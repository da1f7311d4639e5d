"""k-means over a cube: the plain baseline of segmentation."""
