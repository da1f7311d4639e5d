"""The consensus of many cheap labelings.

Read: estimator, odd, members, ties, surroundings, model, at_each, spots.
"""
