"""The energy gates of EB-gMCR and their training. Needs torch."""
