"""What the tables do not reach, each with its reason in one line. DEVIATIONS.md says the same for people."""

from __future__ import annotations

FLOAT8 = "float8 products need types that NumPy has not"
CSR = "sparse CSR tensors are not part of the engine"
MODES = "PyTorch's forward mode is not the transpose of its backward mode here; ours is"

GAPS: dict[str, dict[str, str]] = {
    "ops": {
        "torch._scaled_mm": FLOAT8,
        "torch._scaled_mm_v2": FLOAT8,
        "sparse.sampled_addmm": CSR,
        "sparse.mm:reduce": CSR,
        "hash_tensor": "a checksum of PyTorch's own, which no listed program calls",
        "as_strided_scatter": "PyTorch's own gradient of it is wrong: finite differences give ours",
        "special.bessel_j0": "PyTorch's float64 values are off in the seventh digit; ours are SciPy's",
        "special.bessel_y1": "PyTorch's float64 values are off in the seventh digit; ours are SciPy's",
        "matrix_exp": "one element of 125 is what is left of larger ones: float32 rounding decides it",
        "cov": "a gradient that is 0 but for rounding",
        "native_layer_norm": "a feature alone in its group has gradient 0; PyTorch leaves rounding",
    },
    "second": {
        "as_strided_scatter": "PyTorch's own gradient of it is wrong: finite differences give ours",
        "nn.functional.linear_cross_entropy:chunked": "PyTorch's chunked form has no second derivative",
        "sparse.sampled_addmm": CSR,
        "to_sparse": "sparse tensors convert and add; they keep no gradient",
    },
    "forward": {
        "cholesky_inverse": MODES,
        "triangular_solve": MODES,
        "linalg.eigh": f"{MODES} (matrices that are not symmetric)",
        "nn.functional.max_unpool1d": f"{MODES} (several values for one place)",
        "nn.functional.max_unpool2d": f"{MODES} (several values for one place)",
        "nn.functional.max_unpool3d": f"{MODES} (several values for one place)",
    },
}
"""Table -> row -> reason."""
