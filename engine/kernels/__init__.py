"""Array code for the ops that a formula does not say: convolution, pooling, and what numba compiles.

convolution.py  the three products of a convolution, by windows and matrix products
pooling.py      windows over images and volumes
numba is imported when a kernel that needs it is first used. May import: engine.core.
"""
