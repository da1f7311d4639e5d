"""The solver behind MCR with constraints, and its feasible bands."""
