"""The sum of an array, as twins: a loop for the CPU, blocks with shared memory for CUDA.

Shapes: a (n,) -> out (1,).
"""

from __future__ import annotations

THREADS = 64

CPU_SUM = '''
@njit(cache=True, nogil=True, fastmath=True)
def total(a, out):
    """Adds a up in vector lanes."""
    s = a.dtype.type(0)
    for i in range(a.size):
        s += a[i]
    out[0] = s
'''

CUDA_SUM = f'''
import numpy as np
from numba import cuda, float32


@cuda.jit
def total(n, a, out):
    """Each block halves its part until one number is left, and adds that to out."""
    part = cuda.shared.array({THREADS}, float32)
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    part[t] = a[i] if i < n else 0
    cuda.syncthreads()
    step = {THREADS // 2}
    while step > 0:
        if t < step:
            part[t] += part[t + step]
        cuda.syncthreads()
        step //= 2
    if t == 0:
        cuda.atomic.add(out, 0, part[0])
'''
