"""The consensus of many cheap labelings.

Read: estimator, members, surroundings, model, at_each, spots.
"""
