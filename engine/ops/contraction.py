"""How einsum is carried out: operands lined up by letter, multiplied pair by pair as batches of matrices."""

from __future__ import annotations

from typing import Any


def contract(equation: str, operands: list) -> Any:
    """The contraction that `equation` names.

    Raises: RuntimeError in PyTorch's words where the equation and the operands do not fit."""
    equation = equation.replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        more = "more" if len(operands) > len(terms) else "fewer"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    rest = 0
    split: list[tuple[list[str], bool, list[str]]] = []
    for i, (term, t) in enumerate(zip(terms, operands)):
        head, dots, tail = term.partition("...")
        for c in head + tail:
            if not c.isalpha():
                raise RuntimeError(f"einsum(): invalid subscript given at index {term.index(c)} in the "
                                   f"equation string, "
                                   "subscripts must be in [a-zA-Z]")
        named = len(head) + len(tail)
        if not dots and named != t.ndim or dots and named > t.ndim:
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) does not "
                               f"match the number of "
                               f"dimensions ({t.ndim}) for operand {i} and no ellipsis was given")
        if dots:
            rest = max(rest, t.ndim - named)
        split.append((list(head), bool(dots), list(tail)))
    letters = sorted({c for b, _, a in split for c in b + a})
    counts = {c: sum((b + a).count(c) for b, _, a in split) for c in letters}
    if arrow:
        head, dots, tail = right.partition("...")
        out = list(head) + [f"#{k}" for k in range(rest) if dots] + list(tail)
        for c in head + tail:
            if (head + tail).count(c) > 1:
                raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
            if c not in counts:
                raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any "
                                   f"input operand")
    else:
        out = [f"#{k}" for k in range(rest)] + [c for c in letters if counts[c] == 1]
    summed = [c for c in ([f"#{k}" for k in range(rest)] + letters) if c not in out]
    order = out + summed
    at = {c: i for i, c in enumerate(order)}
    sizes: dict[str, int] = {}
    lined: list[Any] = []
    for (before, dots, after), t in zip(split, operands):  # type: ignore[assignment]
        here = t.ndim - len(before) - len(after)
        names = before + [f"#{rest - here + k}" for k in range(here)] + after
        t, names = _diagonals(t, names)
        for c, n in zip(names, t.shape):
            have = sizes.get(c, 1)
            if have != 1 and n not in (1, have):
                raise RuntimeError(f"einsum(): subscript {c} has size {n} for operand {len(lined)} which "
                                   f"does not "
                                   f"broadcast with previously seen size {have}")
            sizes[c] = max(have, n)
        perm = sorted(range(len(names)), key=lambda i: at[names[i]])
        lined.append(_aligned(t, perm, [at[names[i]] for i in perm], len(order)))
    result = lined[0]
    n_out = len(out)
    later = lined[1:]
    if not later:
        return result.sum(list(range(n_out, len(order)))) if summed else result
    # Sum a letter as soon as no later operand has it.
    last = {
        i: max(k for k, t in enumerate(lined) if t.shape[i] != 1)
        if any(t.shape[i] != 1 for t in lined)
        else 0
        for i in range(len(order))
    }
    alone = [i for i in range(n_out, len(order)) if last[i] == 0]
    if alone:
        result = result.sum(alone, keepdim=True)
    for k, t in enumerate(later, 1):
        dims = [i for i in range(n_out, len(order)) if last[i] == k and i not in alone]
        result = _sum_product(result, t, dims)
    drop = list(range(n_out, len(order)))
    return result.view([result.shape[d] for d in range(n_out)]) if drop and result.ndim > n_out else result


def _aligned(t: Any, perm: list[int], places: list[int], n: int) -> Any:
    """`t` permuted to the common order, with 1 where it lacks a letter."""
    missing = [i for i in range(n) if i not in places]
    order = [0] * n
    for k, place in enumerate(places):
        order[place] = perm[k]
    for k, place in enumerate(missing):
        order[place] = len(perm) + k
        t = t.unsqueeze(-1)
    return t.permute(order)


def _diagonals(t: Any, names: list[str]) -> tuple[Any, list[str]]:
    """A letter that stands twice in one operand means its diagonal."""
    names = list(names)
    for c in [c for c in dict.fromkeys(names) if names.count(c) > 1]:
        while names.count(c) > 1:
            i = names.index(c)
            j = names.index(c, i + 1)
            if t.shape[i] != t.shape[j]:
                raise RuntimeError(f"einsum(): subscript {c} is repeated for operand but the sizes don't "
                                   f"match, "
                                   f"{t.shape[j]} != {t.shape[i]}")
            t = t.diagonal(0, i, j).movedim(-1, i)
            del names[j]
    return t, names


def _sum_product(a: Any, b: Any, dims: list[int]) -> Any:
    """The product of two aligned tensors summed over dims, which stay as 1: a batch of matrix products."""
    if not dims:
        return a * b
    n = a.ndim
    single_a = [d for d in dims if a.shape[d] != 1 and b.shape[d] == 1]
    single_b = [d for d in dims if a.shape[d] == 1 and b.shape[d] != 1]
    if single_a:
        a = a.sum(single_a, keepdim=True)
    if single_b:
        b = b.sum(single_b, keepdim=True)
    both = [d for d in dims if a.shape[d] != 1 and b.shape[d] != 1]
    if not both:
        return a * b
    batch = [d for d in range(n) if d not in dims and a.shape[d] != 1 and b.shape[d] != 1]
    only_a = [d for d in range(n) if d not in dims and a.shape[d] != 1 and b.shape[d] == 1]
    only_b = [d for d in range(n) if d not in dims and a.shape[d] == 1 and b.shape[d] != 1]
    ones = [d for d in range(n) if d not in batch + only_a + only_b + both]

    def count(t: Any, ds: list[int]) -> int:
        size = 1
        for d in ds:
            size *= t.shape[d]
        return size

    left = a.permute(batch + only_a + both + only_b + ones).reshape(
        (count(a, batch), count(a, only_a), count(a, both))
    )
    right = b.permute(batch + both + only_b + only_a + ones).reshape(
        (count(b, batch), count(b, both), count(b, only_b))
    )
    y = left.bmm(right)
    placed = batch + only_a + only_b
    y = y.reshape(
        [a.shape[d] for d in batch + only_a] + [b.shape[d] for d in only_b] + [1] * (n - len(placed))
    )
    rest = [d for d in range(n) if d not in placed]
    where = placed + rest
    return y.permute([where.index(d) for d in range(n)])
