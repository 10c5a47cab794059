"""A digest in words: norm, mean, range, and what stands out."""

from __future__ import annotations

import math

from app.look.number import figure, percent_text
from engine.protocol.event import Digest


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
