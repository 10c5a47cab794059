"""Array code for the ops that a formula does not say, and what numba compiles.

convolution.py           the three products of a convolution, by windows and matrix products
compiled_convolution.py  the same by compiled kernels
convolution_source.py, winograd_source.py  their source
pooling.py               windows over images and volumes; compiled_image.py with image_source.py, compiled
selection.py             order and selection, ties as PyTorch leaves them; selection_source.py the steps
singular.py              singular values, on the path that PyTorch takes to them
resampling.py            interpolation and averages of spans, as tables of weights
expression.py            from a record's formula to source, for the CPU and for CUDA
pointwise.py             fused kernels of formulas for large arrays
reduction.py             the sum, as twins
compiler.py              source to module, kept in the user's cache folder
memory.py                freed blocks are kept for the next array
numba is imported when a kernel that needs it is first used: small programs never compile. May import:
engine.core
and, in expression.py, engine.ops.formula.
"""
