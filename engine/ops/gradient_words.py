"""Right-hand sides of derivatives that no short lambda says, in LaTeX; `g` is the gradient that comes in.

A record's own `gradients` come first; this table is for families of records that share one sentence.
"""

from __future__ import annotations

_SAME = {"self": r"g \text{ in the old shape}"}
_PLACED = {"self": r"g \text{ at the places taken, } 0 \text{ elsewhere}"}
_FOUND = {"self": r"g \text{ where } y \text{ was found, } 0 \text{ elsewhere}"}
_TURNED = {"self": r"g \text{ moved back to its places}"}

GRADIENTS: dict[str, dict[str, str]] = {
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
            "pack_padded.rows",
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
