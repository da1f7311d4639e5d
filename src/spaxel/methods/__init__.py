"""Methods: scikit-learn estimators over cubes, one room for each. registry.py names what the command line offers."""
