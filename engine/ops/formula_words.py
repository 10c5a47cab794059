"""What an op computes, in LaTeX, where its record has no formula: for families that share a sentence.

In formulas of derivatives d is the gradient that the first backward received, f the op that it was for."""

from __future__ import annotations

from typing import Any

_CAST = r"y = x"
_SLOPE = r"z = d\,f'(x)"
_PLACED = r"z = d \text{ at the places taken, } 0 \text{ elsewhere}"
_SPREAD = r"z = d \text{ spread back over what was combined}"
_WRITTEN = r"x_{[i]} \leftarrow s"
_POOLED = r"y = \max_{i \in \text{window}} x_i"
_AVERAGED = r"y = \frac{1}{k} \sum_{i \in \text{window}} x_i"

FORMULAS: dict[str, str] = {
    # the same numbers
    **dict.fromkeys(
        (
            *("to", "float", "double", "half", "short", "int", "long", "cfloat", "cdouble", "bool", "byte"),
            *("char", "bfloat16", "chalf", "type_as", "cpu", "cuda", "pin_memory", "share_memory_"),
            *("contiguous", "resolve_conj", "resolve_neg", "detach_copy", "positive"),
            *("view_as", "reshape", "reshape_as", "flatten", "unflatten", "ravel", "squeeze", "squeeze_"),
            *("squeeze_copy", "movedim", "_unsafe_view", "view_as_real", "view_as_complex", "view.dtype"),
            *("atleast_1d", "atleast_2d", "atleast_3d", "channel_shuffle"),
        ),
        _CAST,
    ),
    **dict.fromkeys(("expand_as", "broadcast_to", "broadcast_tensors"), r"y_{ij} = x_j"),
    **dict.fromkeys(("repeat", "tile", "repeat_interleave"), r"y = (x, x, \ldots)"),
    **dict.fromkeys(("narrow", "narrow_copy"), r"y = x_{a:b}"),
    **dict.fromkeys(
        ("split", "chunk", "tensor_split", "hsplit", "vsplit", "dsplit", "unsafe_chunk"),
        r"x = (y_1, y_2, \ldots)",
    ),
    **dict.fromkeys(("hstack", "vstack", "dstack", "column_stack"), r"y = (x_1, x_2, \ldots)"),
    **dict.fromkeys(("conj", "is_conj"), r"y = \overline{x}"),
    "adjoint": r"Y = X^{H}",
    "real": r"y = \operatorname{Re} x",
    "imag": r"y = \operatorname{Im} x",
    **dict.fromkeys(("rot90", "fliplr", "flipud"), r"y = x \text{ turned}"),
    "roll": r"y_i = x_{i - s}",
    **dict.fromkeys(("diag", "diagflat"), r"Y = \mathrm{diag}(x)"),
    "diagonal": r"y_i = x_{ii}",
    "meshgrid": r"X_{ij} = x_i,\; Y_{ij} = y_j",
    "one_hot": r"y_{ij} = [x_i = j]",
    # arithmetic
    **dict.fromkeys(("div", "div_", "true_divide", "true_divide_"), r"y = \frac{a}{b}"),
    **dict.fromkeys(("pow", "pow_", "float_power", "float_power_"), r"y = x^{p}"),
    **dict.fromkeys(("square", "square_"), r"y = x^{2}"),
    **dict.fromkeys(("clamp", "clamp_"), r"y = \min(\max(x, a), b)"),
    **dict.fromkeys(("fill", "fill_", "fill_diagonal_"), r"x \leftarrow c"),
    "zero_": r"x \leftarrow 0",
    **dict.fromkeys(("masked_fill", "masked_fill_"), r"y = c \text{ where masked, else } x"),
    "masked_scatter": r"y = s \text{ where masked, else } x",
    "where": r"y = a \text{ where the condition holds, else } b",
    **dict.fromkeys(("equal", "allclose", "isin", "is_nonzero"), r"y = [a = b]"),
    "selu_": r"y = \lambda\,(\max(0, x) + \min(0, \alpha\,(e^{x} - 1)))",
    "relu6_": r"y = \min(\max(0, x), 6)",
    "hardshrink": r"y = x \text{ where } |x| > \lambda \text{, else } 0",
    # reductions
    **dict.fromkeys(("max", "amax"), r"y = \max_i x_i"),
    **dict.fromkeys(("min", "amin"), r"y = \min_i x_i"),
    "nanmean": r"y = \frac{1}{n} \sum_i x_i",
    "var": r"y = \frac{1}{n - 1} \sum_i (x_i - \overline{x})^2",
    "std": r"y = \sqrt{\frac{1}{n - 1} \sum_i (x_i - \overline{x})^2}",
    "var_mean": r"y = (\sigma^2, \overline{x})",
    "std_mean": r"y = (\sigma, \overline{x})",
    **dict.fromkeys(("norm", "vector_norm", "matrix_norm"), r"y = \lVert x \rVert_p"),
    **dict.fromkeys(("median", "nanmedian"), r"y = \mathrm{median}(x)"),
    **dict.fromkeys(("quantile", "nanquantile"), r"y = x_{(q n)}"),
    **dict.fromkeys(("sort", "msort"), r"y_1 \le y_2 \le \ldots"),
    "argsort": r"x_{y_1} \le x_{y_2} \le \ldots",
    "nonzero": r"y = \{ i : x_i \ne 0 \}",
    **dict.fromkeys(("unique", "unique_consecutive", "_unique2", "unique_dim", "_unique_consecutive"),
                    r"y = \{ x_i \}"),
    "cov": r"C_{ij} = \frac{1}{n - 1} \sum_k (x_{ik} - \overline{x}_i)(x_{jk} - \overline{x}_j)",
    "trapezoid": r"y = \sum_i \frac{x_i + x_{i + 1}}{2}\,\Delta",
    "diff": r"y_i = x_{i + 1} - x_i",
    **dict.fromkeys(("softmax", "_safe_softmax"), r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}"),
    "softmin": r"y_i = \frac{e^{-x_i}}{\sum_j e^{-x_j}}",
    "log_softmax": r"y_i = x_i - \log \sum_j e^{x_j}",
    # matrices
    **dict.fromkeys(("matmul", "chain_matmul", "multi_dot"), r"Y = A\,B"),
    "outer": r"Y = a\,b^{T}",
    **dict.fromkeys(("inner", "vecdot"), r"y = \sum_i a_i\,b_i"),
    **dict.fromkeys(("tensordot", "einsum"), r"y = \sum_k a_{\cdot k}\,b_{k \cdot}"),
    "kron": r"Y = A \otimes B",
    "cross": r"y = a \times b",
    **dict.fromkeys(("inv", "inverse", "inv_ex", "tensorinv"), r"Y = A^{-1}"),
    **dict.fromkeys(("pinv", "pinverse"), r"Y = A^{+}"),
    "det": r"y = \det A",
    "logdet": r"y = \ln \det A",
    "slogdet": r"y = (\mathrm{sign} \det A, \ln |\det A|)",
    **dict.fromkeys(("solve", "solve_ex", "lu_solve", "tensorsolve", "triangular_solve", "solve_triangular"),
                    r"A\,X = B"),
    "lstsq": r"\min_X \lVert A X - B \rVert",
    "matrix_power": r"Y = A^{n}",
    "matrix_exp": r"Y = e^{A}",
    **dict.fromkeys(("svd", "svdvals", "svd_lowrank", "pca_lowrank"), r"A = U\,\Sigma\,V^{H}"),
    **dict.fromkeys(("eigh", "eigvalsh"), r"A = V\,\Lambda\,V^{H}"),
    **dict.fromkeys(("eig", "eigvals"), r"A = V\,\Lambda\,V^{-1}"),
    "qr": r"A = Q\,R",
    **dict.fromkeys(("cholesky", "cholesky_ex"), r"A = L\,L^{H}"),
    **dict.fromkeys(("lu", "lu_factor", "lu_factor_ex"), r"A = P\,L\,U"),
    # layers
    **dict.fromkeys(
        (f"conv_transpose{n}d" for n in (1, 2, 3)), r"Y_{o} = \sum_{c} X_{c} \star^{T} W_{co} + b_{o}"
    ),
    **dict.fromkeys(
        [f"{kind}max_pool{n}d{end}" for kind in ("", "adaptive_") for n in (1, 2, 3)
         for end in ("", "_with_indices")]
        + [f"fractional_max_pool{n}d{end}" for n in (2, 3) for end in ("", "_with_indices")],
        _POOLED,
    ),
    **dict.fromkeys([f"{kind}avg_pool{n}d" for kind in ("", "adaptive_") for n in (1, 2, 3)], _AVERAGED),
    **dict.fromkeys(
        [f"max_unpool{n}d" for n in (1, 2, 3)], r"y = x \text{ at the places kept, } 0 \text{ elsewhere}"
    ),
    **dict.fromkeys(
        ("instance_norm", "group_norm", "native_group_norm"),
        r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
    ),
    "local_response_norm": r"y = \frac{x}{(k + \frac{\alpha}{n} \sum_j x_j^2)^{\beta}}",
    "embedding_bag": r"y_b = \sum_{i \in b} W_{k_i}",
    **dict.fromkeys(("grid_sample", "grid_sampler"), r"y_p = \sum_c w_{pc}\,x_c"),
    "affine_grid": r"\text{grid} = \theta\,(x, y, 1)^{T}",
    **dict.fromkeys(("upsample", "upsample_nearest", "upsample_bilinear"), r"y_i = \sum_j w_{ij}\,x_j"),
    **dict.fromkeys(("pack_padded.rows", "_pack_padded_sequence", "_pad_packed_sequence"),
                    r"y = \text{the steps that are not filling}"),
    "_weight_norm": r"w = g\,\frac{v}{\lVert v \rVert}",
    # losses
    "smooth_l1_loss": r"y = \frac{1}{n} \sum_i \operatorname{huber}_\beta(x_i - t_i) / \beta",
    "huber_loss": r"y = \frac{1}{n} \sum_i \operatorname{huber}_\delta(x_i - t_i)",
    "binary_cross_entropy": r"y = -\frac{1}{n} \sum_i t_i \log x_i + (1 - t_i) \log(1 - x_i)",
    "binary_cross_entropy_with_logits":
        r"y = -\frac{1}{n} \sum_i t_i \log \sigma(x_i) + (1 - t_i) \log(1 - \sigma(x_i))",
    "soft_margin_loss": r"y = \frac{1}{n} \sum_i \log(1 + e^{-t_i x_i})",
    "hinge_embedding_loss":
        r"y = \frac{1}{n} \sum_i x_i \text{ where } t_i = 1 \text{, else } \max(0, m - x_i)",
    "margin_ranking_loss": r"y = \frac{1}{n} \sum_i \max(0, -t_i (a_i - b_i) + m)",
    "cosine_embedding_loss":
        r"y = 1 - \cos(a, b) \text{ where } t = 1 \text{, else } \max(0, \cos(a, b) - m)",
    "triplet_margin_with_distance_loss": r"y = \max(d(a, p) - d(a, n) + m, 0)",
    "multi_margin_loss": r"y = \frac{1}{C} \sum_{i \ne t} \max(0, m - x_t + x_i)^p",
    "multilabel_margin_loss": r"y = \frac{1}{C} \sum_{t} \sum_{i \notin T} \max(0, 1 - x_t + x_i)",
    "multilabel_soft_margin_loss":
        r"y = -\frac{1}{n} \sum_i t_i \log \sigma(x_i) + (1 - t_i) \log(1 - \sigma(x_i))",
    "gammaln": r"y = \ln \Gamma(x)",
    "polygamma": r"y = \psi^{(n)}(x)",
    "ndtr": r"y = \Phi(x)",
    "sum_to_size": r"y = \textstyle\sum x",
    "block_diag": r"Y = \mathrm{diag}(X_1, X_2, \ldots)",
    "cumulative_trapezoid": r"y_k = \sum_{i < k} \frac{x_i + x_{i + 1}}{2}\,\Delta",
    "corrcoef": r"R_{ij} = \frac{C_{ij}}{\sqrt{C_{ii} C_{jj}}}",
    # places
    **dict.fromkeys(
        (
            *("scatter", "scatter_", "scatter.src", "scatter.value", "index_copy", "put"),
            *("index_fill", "index_fill_", "index_fill.number", "index_fill.tensor"),
        ),
        _WRITTEN,
    ),
    **dict.fromkeys(("scatter_add", "index_add"), r"x_{[i]} \leftarrow x_{[i]} + s"),
    **dict.fromkeys(
        ("scatter_reduce", "scatter.reduce", "index_reduce"), r"x_{[i]} \leftarrow x_{[i]} \circ s"
    ),
    **dict.fromkeys(("select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter"), _WRITTEN),
    **dict.fromkeys(("take_along_dim", "_gather_places"), r"y_i = x_{k_i}"),
    "_scatter_places": _PLACED,
    # spectra
    **dict.fromkeys(("fft", "rfft", "fftn", "rfftn", "fft2", "rfft2", "hfft", "hfftn", "hfft2"),
                    r"Y_k = \sum_n x_n e^{-2 \pi i k n / N}"),
    **dict.fromkeys(("ifft", "irfft", "ifftn", "irfftn", "ifft2", "irfft2", "ihfft", "ihfftn", "ihfft2"),
                    r"y_n = \frac{1}{N} \sum_k X_k e^{2 \pi i k n / N}"),
    # derivatives as ops of their own, where a gradient is differentiated again
    **dict.fromkeys(
        (
            *(f"{n}_backward" for n in ("threshold", "sigmoid", "tanh", "hardtanh", "leaky_relu", "elu")),
            *(f"{n}_backward" for n in ("softplus", "gelu", "hardshrink", "softshrink", "hardswish", "glu")),
            *(f"{n}_loss_backward" for n in ("smooth_l1", "huber", "mse")),
            *(f"{n}_margin_loss_backward" for n in ("multi", "multilabel")),
            *("log_sigmoid_backward", "threshold_backward.self", "binary_cross_entropy_backward"),
            *("_ctc_loss_backward", "mkldnn_rnn_layer_backward", "grid_sampler_backward"),
        ),
        _SLOPE,
    ),
    **dict.fromkeys(
        (
            *(f"{n}_backward" for n in ("select", "slice", "diagonal", "unfold", "as_strided")),
            "as_strided_gathered",
            *(f"max_pool{n}d_with_indices_backward" for n in (2, 3)),
            *("embedding_dense_backward", "nll_loss_backward", "nll_loss2d_backward"),
        ),
        _PLACED,
    ),
    **dict.fromkeys(
        (
            *(f"{kind}_pad{n}d_backward" for kind in ("reflection", "replication") for n in (1, 2, 3)),
            *(f"{kind}avg_pool{n}d_backward" for kind in ("", "_adaptive_") for n in (2, 3)),
            *(f"upsample_nearest{n}d_backward" for n in (1, 2, 3)),
            *(f"_upsample_nearest_exact{n}d_backward" for n in (1, 2, 3)),
            *(f"upsample_{n}_backward" for n in ("linear1d", "bilinear2d", "trilinear3d", "bicubic2d")),
            *(f"_upsample_{n}2d_aa_backward" for n in ("bilinear", "bicubic")),
        ),
        _SPREAD,
    ),
    "convolution_backward": r"z = (d \star W^{T},\; d \star X,\; \textstyle\sum d)",
    **dict.fromkeys(
        ("native_batch_norm_backward", "native_layer_norm_backward"),
        r"z = \frac{\gamma}{\sigma}\,(d - \overline{d} - \hat{x}\,\overline{d\,\hat{x}})",
    ),
    "_softmax_backward_data": r"z = y\,(d - \textstyle\sum_j d_j y_j)",
    "_log_softmax_backward_data": r"z = d - e^{y} \textstyle\sum_j d_j",
}


_NORMALIZED = {"weight": r"\gamma", "bias": r"\beta"}
_ADDED = {"tensor1": "a", "tensor2": "b", "value": "v"}
SIGNS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("native_batch_norm", "native_layer_norm", "native_group_norm"), _NORMALIZED),
    "_scaled_dot_product_flash_attention_for_cpu": {"key": "K"},
    "polar": {"abs": "r", "angle": r"\varphi"},
    "_embedding_bag": {"per_sample_weights": "w"},
    "normal_of_mean": {"mean": r"\mu"},
    "normal_of_std": {"std": r"\sigma"},
    "normal_of_both": {"mean": r"\mu", "std": r"\sigma"},
    **dict.fromkeys(("grid_sampler_2d", "grid_sampler_3d"), {"grid": "p"}),
    "affine_grid_generator": {"theta": r"\theta"},
    "cholesky_solve": {"self": "B"},
    **dict.fromkeys(("addcmul", "addcdiv"), _ADDED),
    "lerp": {"end": "b", "weight": "w"},
    "mkldnn_rnn_layer": {
        "weight0": "W_{ih}", "weight1": "W_{hh}", "weight2": "b_{ih}", "weight3": "b_{hh}",
        "hx_": "h_0", "cx_": "c_0",
    },
    "linalg_householder_product": {"input": "V", "tau": r"\tau"},
    "ormqr": {"self": "V", "input2": r"\tau", "input3": "C"},
    "_weight_norm_interface": {"v": "v", "g": "g"},
    "index_fill.tensor": {"value": "s"},
    **dict.fromkeys(("masked_fill.tensor", "fill.tensor", "fill_.tensor"), {"value": "c"}),
    "_ctc_loss": {"log_probs": "x"},
    "lu_unpack": {"LU_data": "A"},
}
"""Signs of inputs, where the order of the formula's letters does not tell."""


def formula_of(op: Any) -> str:
    """The LaTeX of what a record or composite computes: its own, or its family's; '' where there is none."""
    return op.formula or FORMULAS.get(op.name, "")
