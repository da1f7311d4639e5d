"""Linear algebra on plain arrays: numpy and scipy only."""
