"""What the readers of several formats share: axes, truths, lazy arrays, containers."""
