"""How many components a table holds."""
