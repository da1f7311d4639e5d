"""The solver behind MCR of a table: sparse factorisation with a number of components that is found."""
