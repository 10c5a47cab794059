"""Right-hand sides of derivatives that no short lambda says, in LaTeX; `g` is the gradient that comes in.

A record's own `gradients` come first; this table is for families of records that share one sentence.
"""

from __future__ import annotations

_SAME = {"self": r"g \text{ in the old shape}"}
_PLACED = {"self": r"g \text{ at the places taken, } 0 \text{ elsewhere}"}
_FOUND = {"self": r"g \text{ where } y \text{ was found, } 0 \text{ elsewhere}"}
_TURNED = {"self": r"g \text{ moved back to its places}"}

_WRITTEN = {
    "self": r"g \text{, but } 0 \text{ at the places written}",
    "src": r"g \text{ at the places written}",
}
_SHARED = r"g \text{, its share in the result}"
_WRITTEN_FROM = {"self": _WRITTEN["self"], "source": _WRITTEN["src"]}
_LARGER = {
    "self": r"g \text{ where } a > b \text{, half where equal, else } 0",
    "other": r"g \text{ where } b > a \text{, half where equal, else } 0",
}
_SMALLER = {
    "self": r"g \text{ where } a < b \text{, half where equal, else } 0",
    "other": r"g \text{ where } b < a \text{, half where equal, else } 0",
}
_OVERWRITTEN = {"self": "0", "value": r"\textstyle\sum g"}
_DRAWN = {"self": "0"}
_TURNED_PAIRS = (
    r"\left(\operatorname{diag} g_{\Lambda} + \frac{V^{T} g_V}{\lambda_j - \lambda_i}\right)"
)
_UNKNOWN = r"\text{no derivative is worked out}"
_SLOPE_AGAIN = {
    "grad_output": r"f'(x)\,g",
    "self": r"d\,f''(x)\,g",
    "self_or_result": r"d\,f''(x)\,g",
    "output": r"d\,\frac{\partial f'}{\partial y}\,g",
    "target": r"d\,\frac{\partial^2 f}{\partial x\,\partial t}\,g",
}
_PLACES_AGAIN = dict.fromkeys(
    ("grad_output", "grad", "grad_in", "self"), r"g \text{ at the places that were passed}"
)
_LINEAR_AGAIN = dict.fromkeys(("grad_output", "self"), r"\text{the op itself, applied to } g")

GRADIENTS: dict[str, dict[str, str]] = {
    "elu": {"self": r"g \text{ where } x > 0 \text{, else } \alpha\,e^{x}\,g"},
    "celu": {"self": r"g \text{ where } x > 0 \text{, else } e^{x/\alpha}\,g"},
    "gelu": {"self": r"(\Phi(x) + x\,\varphi(x))\,g"},
    "mish": {"self": r"(\tanh s + x\,\sigma(x)\,(1 - \tanh^{2} s))\,g \text{ with } s = \log(1 + e^{x})"},
    "div": {"other": r"-\frac{a}{b^{2}}\,g"},
    "exp2": {"self": r"y \log 2\,g"},
    "log2": {"self": r"\frac{1}{x \log 2}\,g"},
    "log10": {"self": r"\frac{1}{x \log 10}\,g"},
    "logit": {"self": r"\frac{1}{x\,(1 - x)}\,g"},
    "ldexp": {"self": r"2^{b}\,g", "other": r"y \log 2\,g"},
    "frexp": {"self": r"2^{-e}\,g"},
    "logaddexp2": {"self": r"\frac{2^{a}}{2^{a} + 2^{b}}\,g", "other": r"\frac{2^{b}}{2^{a} + 2^{b}}\,g"},
    "logcumsumexp": {"self": r"\textstyle\sum_{k \ge i} e^{x_i - y_k}\,g_k"},
    "pow.scalar": {"self": r"p\,x^{p - 1}\,g"},
    "pow.tensor": {"self": r"p\,x^{p - 1}\,g", "exponent": r"y \log x\,g"},
    "atan2": {"self": r"\frac{b}{a^{2} + b^{2}}\,g", "other": r"-\frac{a}{a^{2} + b^{2}}\,g"},
    "copysign": {"self": r"\mathrm{sgn}(a)\,\mathrm{sgn}(b)\,g"},
    "remainder": {"other": r"-\lfloor a / b \rfloor\,g"},
    "fmod": {"other": r"-\operatorname{trunc}(a / b)\,g"},
    "floor_divide": {"self": "0", "other": "0"},
    "heaviside": {"self": "0", "values": "0"},
    "sgn": {"self": r"0 \text{ on the real line}"},
    "angle": {"self": r"0 \text{ on the real line}"},
    "complex": {"real": r"\operatorname{Re} g", "imag": r"\operatorname{Im} g"},
    "polar": {
        "abs": r"\operatorname{Re}(g\,e^{-i\varphi})",
        "angle": r"\operatorname{Im}(g\,r\,e^{-i\varphi})",
    },
    **dict.fromkeys(("maximum", "fmax"), _LARGER),
    **dict.fromkeys(("minimum", "fmin"), _SMALLER),
    "clamp.scalar": {"self": r"g \text{ where } a \le x \le b \text{, else } 0"},
    "clamp.tensor": {
        "self": r"g \text{ where } a \le x \le b \text{, else } 0",
        "min": r"g \text{ where } x < a \text{, else } 0",
        "max": r"g \text{ where } x > b \text{, else } 0",
    },
    "nan_to_num": {"self": r"g \text{ where } x \text{ is finite, else } 0"},
    "nansum": {"self": r"g \text{ for every } x_i \text{ that is a number}"},
    "aminmax": {"self": r"g \text{ at the places of the least and the greatest}"},
    **dict.fromkeys(("nanmedian.all", "nanmedian.dim"), _FOUND),
    "var_mean.correction": {"self": r"\frac{2}{n - 1}\,(x_i - \overline{x})\,g_1 + \frac{1}{n}\,g_2"},
    "std_mean.correction": {"self": r"\frac{x_i - \overline{x}}{(n - 1)\,\sigma}\,g_1 + \frac{1}{n}\,g_2"},
    "dist": {
        "self": r"\frac{(a - b)\,|a - b|^{p-2}}{y^{p-1}}\,g",
        "other": r"-\frac{(a - b)\,|a - b|^{p-2}}{y^{p-1}}\,g",
    },
    "pdist": {"self": r"\textstyle\sum_j g_{ij}\,\frac{x_i - x_j}{y_{ij}}"},
    "renorm": {"self": r"\text{scaled as } x \text{ was, less its part along } x"},
    "addbmm": {"batch1": r"g\,B_b^{T} \text{ for every } b", "batch2": r"A_b^{T}\,g \text{ for every } b"},
    "diag_embed": {"self": r"\text{the diagonal of } g"},
    "block_diag.list": {"tensors": r"g \text{ cut into its blocks}"},
    "index_put": {"self": _WRITTEN["self"], "values": _WRITTEN["src"]},
    "put": _WRITTEN_FROM,
    "masked_scatter": {
        "self": r"g \text{ where not masked, else } 0",
        "source": r"g \text{ where masked, in order}",
    },
    "scatter.src": _WRITTEN,
    "scatter.value": _WRITTEN,
    "scatter.reduce": {"self": _UNKNOWN},
    "scatter_add": {"src": r"g \text{ at the places added to}"},
    "index_add": {"source": r"g \text{ at the places added to}"},
    "index_copy": _WRITTEN_FROM,
    "index_fill.number": _WRITTEN,
    "index_fill.tensor": {
        "self": _WRITTEN["self"],
        "value": r"\textstyle\sum g \text{ at the places written}",
    },
    "scatter_reduce": {"self": _SHARED, "src": _SHARED},
    "index_reduce": {"self": _SHARED, "source": _SHARED},
    **dict.fromkeys(("select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter"), _WRITTEN),
    "copy": {"self": "0"},
    **dict.fromkeys(("fill.number", "fill.tensor", "fill_.number", "fill_.tensor", "zero"), _OVERWRITTEN),
    **dict.fromkeys(
        (
            "bernoulli",
            "poisson",
            "normal_",
            "uniform_",
            "random_",
            "random_1",
            "random_2",
            "exponential_",
            "geometric_",
            "cauchy_",
            "log_normal_",
            "bernoulli_",
            "bernoulli_by_tensor_",
        ),
        _DRAWN,
    ),
    **dict.fromkeys(("normal_of_mean", "normal_of_std", "normal_of_both"), {"mean": "0", "std": "0"}),
    **dict.fromkeys(
        ("_standard_gamma", "_sample_dirichlet"),
        {"self": r"g\,\frac{\partial y}{\partial x} \text{ with the same luck}"},
    ),
    "t_copy": {"self": "g^{T}"},
    **dict.fromkeys(
        (
            "view_copy",
            "unsqueeze_copy",
            "squeeze_copy.all",
            "squeeze_copy.dim",
            "squeeze_copy.dims",
            "permute_copy",
        ),
        _SAME,
    ),
    **dict.fromkeys(
        ("select_copy", "slice_copy", "diagonal_copy", "unfold_copy", "as_strided_copy"), _PLACED
    ),
    "expand_copy": {"self": r"\textstyle\sum g \text{ over the repetitions}"},
    **dict.fromkeys(
        ("split_copy", "split_with_sizes_copy", "unsafe_split", "unsafe_split_with_sizes"),
        {"self": r"\text{the parts' gradients, joined}"},
    ),
    "unbind_copy": {"self": r"\text{the parts' gradients, stacked}"},
    "affine_grid_generator": {"theta": r"g^{T}\,(x, y, 1)"},
    "linalg_cross": {"self": r"b \times g", "other": r"g \times a"},
    **dict.fromkeys(
        ("linalg_cholesky_ex", "cholesky"), {"self": r"L^{-T}\,\Phi(L^{T} g)\,L^{-1} \text{, made symmetric}"}
    ),
    "linalg_qr": {"A": r"(g_Q + Q\,\operatorname{sym}(R\,g_R^{T} - g_Q^{T} Q))\,R^{-T}"},
    "_linalg_svd": {"A": r"U\,\operatorname{diag}(g_{\Sigma})\,V^{T} \text{ and what } U, V \text{ bring}"},
    "_linalg_eigh": {"A": rf"V\,{_TURNED_PAIRS} V^{{T}}"},
    "linalg_eig": {"self": rf"V^{{-T}}\,{_TURNED_PAIRS} V^{{T}}"},
    **dict.fromkeys(
        ("linalg_lu", "linalg_lu_factor_ex"),
        {"A": r"P\,L^{-T}\,(\operatorname{tril}(L^{T} g_L) + \operatorname{triu}(g_U\,U^{T}))\,U^{-T}"},
    ),
    "lu_unpack": {"LU_data": r"\operatorname{tril}(g_L) + \operatorname{triu}(g_U)"},
    "linalg_ldl_factor_ex": {"self": _UNKNOWN},
    "linalg_slogdet": {"A": r"g_2\,A^{-T}"},
    "linalg_solve_triangular": {"A": r"-\operatorname{tri}(A^{-T} g\,X^{T})", "B": r"A^{-T} g"},
    "cholesky_solve": {
        "self": r"(L\,L^{T})^{-1} g",
        "L": r"-(S + S^{T})\,L \text{ with } S = (L\,L^{T})^{-1} g\,X^{T}",
    },
    "cholesky_inverse": {"self": r"-Y\,(g + g^{T})\,Y\,L"},
    "linalg_pinv": {"A": r"-Y^{T} g\,Y^{T} + \ldots \text{ for what } A \text{ cannot reach}"},
    "linalg_matrix_exp": {"self": r"\textstyle\int_0^1 e^{s A^{T}} g\,e^{(1 - s) A^{T}} ds"},
    "linalg_lstsq": {"A": r"\text{as for } A^{+} B", "B": r"(A^{+})^{T} g"},
    **dict.fromkeys(
        ("linalg_householder_product", "ormqr"),
        dict.fromkeys(
            ("input", "tau", "self", "input2", "input3"), r"\text{back through each reflection } H_i"
        ),
    ),
    "geqrf": {"self": _UNKNOWN},
    **dict.fromkeys(("_unique2", "unique_dim", "_unique_consecutive"), {"self": _UNKNOWN}),
    "_fft_c2c": {"self": r"\textstyle\sum_k g_k\,e^{2 \pi i k n / N}"},
    "_fft_r2c": {"self": r"\operatorname{Re} \textstyle\sum_k g_k\,e^{2 \pi i k n / N}"},
    "_fft_c2r": {"self": r"\frac{1}{N} \textstyle\sum_n g_n\,e^{-2 \pi i k n / N}"},
    **dict.fromkeys(
        ("multi_margin_loss", "multilabel_margin_loss"),
        {"self": r"\frac{1}{C}\,g \text{ for classes within the margin, minus their sum at } t"},
    ),
    "mkldnn_rnn_layer": dict.fromkeys(
        ("input", "weight0", "weight1", "weight2", "weight3", "hx_", "cx_"),
        r"\text{back through the gates, from the last step to the first}",
    ),
    "_weight_norm_interface": {
        "v": r"\frac{\lVert w \rVert}{\lVert v \rVert}"
        r"\,\left(g - \frac{v \cdot g}{\lVert v \rVert^{2}}\,v\right)",
        "g": r"\frac{v \cdot g}{\lVert v \rVert}",
    },
    "erf": {"self": r"\frac{2}{\sqrt{\pi}}\,e^{-x^{2}}\,g"},
    "erfc": {"self": r"-\frac{2}{\sqrt{\pi}}\,e^{-x^{2}}\,g"},
    "erfinv": {"self": r"\frac{\sqrt{\pi}}{2}\,e^{y^{2}}\,g"},
    "special_erfcx": {"self": r"\left(2 x\,y - \frac{2}{\sqrt{\pi}}\right) g"},
    "special_ndtri": {"self": r"\sqrt{2 \pi}\,e^{y^{2} / 2}\,g"},
    "special_log_ndtr": {"self": r"\frac{\varphi(x)}{\Phi(x)}\,g"},
    "special_entr": {"self": r"-(1 + \log x)\,g"},
    "digamma": {"self": r"\psi'(x)\,g"},
    "polygamma.n": {"self": r"\psi^{(n + 1)}(x)\,g"},
    "mvlgamma": {"self": r"\textstyle\sum_j \psi\left(x - \frac{j}{2}\right) g"},
    "i0": {"self": r"I_1(x)\,g"},
    "special_i0e": {"self": r"(e^{-|x|} I_1(x) - \mathrm{sgn}(x)\,y)\,g"},
    "special_i1": {"self": r"\left(I_0(x) - \frac{y}{x}\right) g"},
    "special_i1e": {"self": r"\left(e^{-|x|} I_0(x) - y\,(\mathrm{sgn}(x) + \frac{1}{x})\right) g"},
    "special_zeta": {"self": _UNKNOWN, "other": r"-a\,\zeta(a + 1, b)\,g"},
    "igamma": {"self": _UNKNOWN, "other": r"\frac{b^{a - 1} e^{-b}}{\Gamma(a)}\,g"},
    "igammac": {"self": _UNKNOWN, "other": r"-\frac{b^{a - 1} e^{-b}}{\Gamma(a)}\,g"},
    **dict.fromkeys(
        (
            *(f"special_bessel_{n}" for n in ("j0", "j1", "y0", "y1")),
            *(f"special_modified_bessel_{n}" for n in ("i0", "i1", "k0", "k1")),
            *(f"special_scaled_modified_bessel_{n}" for n in ("k0", "k1")),
            *(f"special_{s}chebyshev_polynomial_{n}" for s in ("", "shifted_") for n in "tuvw"),
            *(f"special_hermite_polynomial_{n}" for n in ("h", "he")),
            "special_laguerre_polynomial_l",
            "special_legendre_polynomial_p",
            "special_airy_ai",
            "special_spherical_bessel_j0",
        ),
        {"self": _UNKNOWN, "n": _UNKNOWN},
    ),
    **dict.fromkeys(
        (
            *(f"{n}_backward" for n in ("threshold", "sigmoid", "tanh", "hardtanh", "leaky_relu", "elu")),
            *(f"{n}_backward" for n in ("softplus", "gelu", "hardshrink", "softshrink", "hardswish", "glu")),
            *(f"{n}_loss_backward" for n in ("smooth_l1", "huber", "mse")),
            "log_sigmoid_backward",
            "threshold_backward.self",
            "binary_cross_entropy_backward",
        ),
        _SLOPE_AGAIN,
    ),
    **dict.fromkeys(
        (
            *(f"{n}_backward" for n in ("select", "slice", "diagonal", "unfold", "as_strided")),
            "as_strided_gathered",
            *(f"max_pool{n}d_with_indices_backward" for n in (2, 3)),
            "embedding_dense_backward",
            "nll_loss_backward",
            "nll_loss2d_backward",
            "_gather_places",
            "_scatter_places",
        ),
        _PLACES_AGAIN,
    ),
    **dict.fromkeys(
        (
            *(f"{kind}_pad{n}d_backward" for kind in ("reflection", "replication") for n in (1, 2, 3)),
            *(f"{kind}avg_pool{n}d_backward" for kind in ("", "_adaptive_") for n in (2, 3)),
            *(f"upsample_nearest{n}d_backward" for n in (1, 2, 3)),
            *(f"_upsample_nearest_exact{n}d_backward" for n in (1, 2, 3)),
            *(f"upsample_{kind}_backward" for kind in ("linear1d", "bilinear2d", "trilinear3d", "bicubic2d")),
            *(f"_upsample_{kind}2d_aa_backward" for kind in ("bilinear", "bicubic")),
        ),
        _LINEAR_AGAIN,
    ),
    "convolution_backward": {
        "grad_output": r"g_X \star W + X \star g_W + g_b",
        "input": r"d \star g_W",
        "weight": r"d \star g_X",
    },
    "native_batch_norm_backward": dict.fromkeys(
        ("grad_out", "input", "weight"), r"\text{back through the mean and the spread, once more}"
    ),
    "native_layer_norm_backward": dict.fromkeys(
        ("grad_out", "input", "mean", "rstd", "weight", "bias"),
        r"\text{back through the mean and the spread, once more}",
    ),
    "_softmax_backward_data": {
        "grad_output": r"y\,(g - \textstyle\sum_j g_j y_j)",
        "output": r"d\,g - g \textstyle\sum_j d_j y_j - d \textstyle\sum_j g_j y_j",
    },
    "_log_softmax_backward_data": {
        "grad_output": r"g - \textstyle\sum_j g_j e^{y_j}",
        "output": r"-e^{y}\,g \textstyle\sum_j d_j",
    },
    "pack_padded.rows": {"input": r"g \text{ at the steps taken, } 0 \text{ at the filling}"},
    **dict.fromkeys(
        (
            "view",
            "_reshape_alias",
            "_unsafe_view",
            "squeeze.all",
            "squeeze.dim",
            "squeeze.dims",
            "unsqueeze",
            "permute",
            "view_as_real",
            "view_as_complex",
        ),
        _SAME,
    ),
    **dict.fromkeys(
        (
            "select",
            "slice",
            "diagonal",
            "narrow_copy",
            "as_strided",
            "index",
            "gather",
            "index_select",
            "take",
            "masked_select",
            "topk",
            "kthvalue",
            "unfold",
        ),
        _PLACED,
    ),
    **dict.fromkeys(
        (
            "max.dim",
            "min.dim",
            "median.all",
            "median.dim",
            "mode",
            "cummax",
            "cummin",
            "adaptive_max_pool2d",
            "adaptive_max_pool3d",
            "fractional_max_pool2d",
            "fractional_max_pool3d",
            "amax",
            "amin",
            "max.all",
            "min.all",
        ),
        _FOUND,
    ),
    **dict.fromkeys(
        ("flip", "roll", "rot90", "sort.stable", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
        _TURNED,
    ),
    "expand": {"self": r"\textstyle\sum g \text{ over the repetitions}"},
    "repeat": {"self": r"\textstyle\sum g \text{ over the repetitions}"},
    "cat": {"tensors": r"g \text{ cut into its parts}"},
    "stack": {"tensors": r"g \text{ cut into its parts}"},
    "split.even": {"self": r"\text{the parts' gradients, joined}"},
    "split_with_sizes": {"self": r"\text{the parts' gradients, joined}"},
    "unbind": {"self": r"\text{the parts' gradients, stacked}"},
    "sum": {"self": r"g \text{ for every } x_i"},
    "mean": {"self": r"\frac{1}{n}\,g \text{ for every } x_i"},
    "prod": {"self": r"\frac{y}{x_i}\,g"},
    "logsumexp": {"self": r"e^{x_i - y}\,g"},
    "var.correction": {"self": r"\frac{2}{n - 1}\,(x_i - \overline{x})\,g"},
    "std.correction": {"self": r"\frac{x_i - \overline{x}}{(n - 1)\,y}\,g"},
    "linalg_vector_norm": {"self": r"\frac{x_i\,|x_i|^{p-2}}{y^{p-1}}\,g"},
    "_norm_along": {"self": r"\frac{x_i\,|x_i|^{p-2}}{y^{p-1}}\,g"},
    "cumsum": {"self": r"\textstyle\sum_{j \ge i} g_j"},
    "cumprod": {"self": r"\frac{1}{x_i} \textstyle\sum_{j \ge i} g_j\,y_j"},
    "trace": {"self": r"g\,I"},
    "tril": {"self": r"\operatorname{tril}(g)"},
    "triu": {"self": r"\operatorname{triu}(g)"},
    "where.three": {
        "self": r"g \text{ where the condition holds, else } 0",
        "other": r"g \text{ where it does not hold, else } 0",
    },
    "masked_fill.number": {"self": r"g \text{ where not masked, else } 0"},
    "masked_fill.tensor": {
        "self": r"g \text{ where not masked, else } 0",
        "value": r"\textstyle\sum g \text{ where masked}",
    },
    "native_dropout": {"input": r"\frac{m}{1 - p}\,g"},
    "linalg_det": {"A": r"y\,A^{-T}\,g"},
    "_linalg_solve_ex": {"A": r"-A^{-T} g\,X^{T}", "B": r"A^{-T} g"},
    "glu": {"self": r"\left[\sigma(b)\,g,\; a\,\sigma(b)\,(1 - \sigma(b))\,g\right]"},
    "smooth_l1_loss": {
        "self": r"\frac{1}{n} \operatorname{clip}\!\left(\frac{x - t}{\beta}, -1, 1\right) g",
        "target": r"-\frac{1}{n} \operatorname{clip}\!\left(\frac{x - t}{\beta}, -1, 1\right) g",
    },
    "huber_loss": {
        "self": r"\frac{1}{n} \operatorname{clip}(x - t, -\delta, \delta)\,g",
        "target": r"-\frac{1}{n} \operatorname{clip}(x - t, -\delta, \delta)\,g",
    },
    "binary_cross_entropy": {
        "self": r"\frac{1}{n} \frac{x - t}{x\,(1 - x)}\,g",
        "target": r"\frac{1}{n} \log\frac{1 - x}{x}\,g",
    },
    "binary_cross_entropy_with_logits": {"target": r"-\frac{1}{n}\,x\,g"},
    "soft_margin_loss": {"self": r"-\frac{1}{n}\,t\,\sigma(-t x)\,g"},
    "nll_loss2d": {"self": r"-\frac{1}{n}\,g \text{ at the true class, } 0 \text{ elsewhere}"},
    "_trilinear": {
        "i1": r"\textstyle\sum_{oj} g_{bo} W_{oij} z_{bj}",
        "i2": r"\textstyle\sum_{b} g_{bo} x_{bi} z_{bj}",
        "i3": r"\textstyle\sum_{oi} g_{bo} x_{bi} W_{oij}",
    },
    "_scaled_dot_product_flash_attention_for_cpu": {
        "query": r"\tfrac{1}{\sqrt d}\, S K",
        "key": r"\tfrac{1}{\sqrt d}\, S^{T} Q",
        "value": r"P^{T} g",
    },
    "_cdist_forward": {
        "x1": r"\textstyle\sum_j g_{ij}\,\frac{x_i - z_j}{y_{ij}}",
        "x2": r"-\textstyle\sum_i g_{ij}\,\frac{x_i - z_j}{y_{ij}}",
    },
    "native_group_norm": {
        "input": r"\frac{1}{\sigma}\,(\gamma g - \overline{\gamma g} - \hat{x}\,\overline{\gamma g \hat{x}})",
        "weight": r"\textstyle\sum g\,\hat{x}",
        "bias": r"\textstyle\sum g",
    },
    "_safe_softmax": {"self": r"y\,(g - \textstyle\sum_j g_j y_j)"},
    "_ctc_loss": {"log_probs": r"(e^{x} - p(k \mid t))\,g"},
    "constant_pad_nd": {"self": r"g \text{ without the margin}"},
    **dict.fromkeys(
        (f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)),
        {"self": r"g \text{ with the margin's copies added to their sources}"},
    ),
    **dict.fromkeys(
        (f"_adaptive_avg_pool{n}d" for n in (2, 3)),
        {"self": r"\textstyle\sum_{\text{spans with } x} \frac{g}{k}"},
    ),
    **dict.fromkeys((f"max_unpool{n}d" for n in (2, 3)), {"self": r"g \text{ at the places of } x"}),
    "im2col": {"input": r"\textstyle\sum g \text{ of the windows that hold } x"},
    "col2im": {"input": r"g \text{ at each window's places}"},
    **dict.fromkeys(
        (f"grid_sampler_{n}d" for n in (2, 3)),
        {
            "input": r"\textstyle\sum_p w_p\,g_p",
            "grid": r"\textstyle\sum_c \frac{\partial x_c}{\partial p}\,g_c",
        },
    ),
    "_embedding_bag": {
        "weight": r"\textstyle\sum_{i: k_i = r} g_{b(i)} \text{ for row } r",
        "per_sample_weights": r"W_{k_i} \cdot g_{b(i)}",
    },
}
