"""Tests of the structure: who imports whom, how long files are, what is documented."""
