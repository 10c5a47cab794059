"""A digest in words: norm, mean, range, and what stands out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.look.number import figure, percent_text
from engine.protocol.event import Digest

if TYPE_CHECKING:
    import numpy as np


def digest_of(values: np.ndarray, dtype: str) -> Digest:
    """What there is to say of an array whose digest did not come with it."""
    import numpy as np

    flat = np.abs(values) if values.dtype.kind == "c" else values
    flat = flat.reshape(-1).astype(np.float64)
    fine = flat[np.isfinite(flat)]
    some = fine if fine.size else np.zeros(1)
    return Digest(
        tuple(values.shape),
        dtype,
        float(np.linalg.norm(fine)),
        float(some.min()),
        float(some.max()),
        float(some.mean()),
        int((flat == 0).sum()),
        int((flat < 0).sum()),
        int(np.isnan(flat).sum()),
        int(np.isinf(flat).sum()),
    )


def digest_line(digest: Digest) -> str:
    """'norm 0.33 · mean 0.004 · range −0.19 … 0.21', or what a person would say instead."""
    count = math.prod(digest.shape)
    if count == 0:
        return "no elements"
    odd = []
    if digest.nans:
        odd.append(f"{digest.nans} NaN")
    if digest.infs:
        odd.append(f"{digest.infs} Inf")
    if digest.nans + digest.infs == count:
        return " · ".join(odd)
    if count == 1:
        return " · ".join([figure(digest.mean, 4), *odd])
    words = [
        f"norm {figure(digest.norm, 3)}",
        f"mean {figure(digest.mean, 2)}",
        f"range {figure(digest.min, 2)} … {figure(digest.max, 2)}",
    ]
    if len(" · ".join(words)) > 44:
        del words[1]
    if digest.zeros * 4 >= count:
        words.append(f"{percent_text(digest.zeros, count)} zeros")
    # A line breaks between two facts, not inside one.
    return " · ".join(w.replace(" ", "\u00a0") for w in words + odd)
