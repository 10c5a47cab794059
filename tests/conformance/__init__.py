"""Comparisons with PyTorch itself; they need the torch package and are run apart from the tests."""
