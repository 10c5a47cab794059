"""Order and selection that settle ties as the C++ library behind PyTorch does, on one row of whole numbers.

`key[i]` is the rank of element i and `at` holds the numbers of the elements: it is rearranged in place until
its keys are in order (or the wanted place is right). Equal keys end where these algorithms leave them: that
order is no rule but a habit (median of three, then two pointers, runs of 16 left to insertion), and programs
print it. The functions run as they stand, and compiled for long rows (selection.py).
"""

from __future__ import annotations

import numpy as np


def inserted(key: np.ndarray, at: np.ndarray, low: int, high: int) -> None:
    """Sort a short run: each element walks down past the greater ones."""
    for i in range(low + 1, high):
        v = at[i]
        j = i
        while j > low and key[v] < key[at[j - 1]]:
            at[j] = at[j - 1]
            j -= 1
        at[j] = v


def sunk(key: np.ndarray, at: np.ndarray, first: int, hole: int, length: int, v: int) -> None:
    """Put v into a heap with a hole: the hole falls to the bottom by the greater child, then v rises."""
    top = hole
    child = hole
    while child < (length - 1) // 2:
        child = 2 * (child + 1)
        if key[at[first + child]] < key[at[first + child - 1]]:
            child -= 1
        at[first + hole] = at[first + child]
        hole = child
    if length % 2 == 0 and child == (length - 2) // 2:
        child = 2 * child + 1
        at[first + hole] = at[first + child]
        hole = child
    parent = (hole - 1) // 2
    while hole > top and key[at[first + parent]] < key[v]:
        at[first + hole] = at[first + parent]
        hole = parent
        parent = (hole - 1) // 2
    at[first + hole] = v


def heap_selected(key: np.ndarray, at: np.ndarray, first: int, middle: int, last: int) -> None:
    """The least (middle - first) elements of a run, as a heap at its start."""
    length = middle - first
    for parent in range((length - 2) // 2, -1, -1):
        sunk(key, at, first, parent, length, at[first + parent])
    for i in range(middle, last):
        if key[at[i]] < key[at[first]]:
            v = at[i]
            at[i] = at[first]
            sunk(key, at, first, 0, length, v)


def heap_emptied(key: np.ndarray, at: np.ndarray, first: int, last: int) -> None:
    """A heap put in order, the greatest taken off to the end each time."""
    while last - first > 1:
        last -= 1
        v = at[last]
        at[last] = at[first]
        sunk(key, at, first, 0, last - first, v)


def parted(key: np.ndarray, at: np.ndarray, low: int, high: int) -> int:
    """Part a run about the median of its second, middle and last element: where the upper part begins."""
    x, y, z = low + 1, low + (high - low) // 2, high - 1
    a, b, c = key[at[x]], key[at[y]], key[at[z]]
    if a < b:
        chosen = y if b < c else z if a < c else x
    else:
        chosen = x if a < c else z if b < c else y
    v = at[low]
    at[low] = at[chosen]
    at[chosen] = v
    pivot = key[at[low]]
    i, j = low + 1, high
    while True:
        while key[at[i]] < pivot:
            i += 1
        j -= 1
        while pivot < key[at[j]]:
            j -= 1
        if i >= j:
            return i
        v = at[i]
        at[i] = at[j]
        at[j] = v
        i += 1


def halvings(n: int) -> int:
    """How often n can be halved before it is 1, twice: the depth after which a heap takes over."""
    depth = 0
    while n > 1:
        n >>= 1
        depth += 2
    return depth


def ordered(key: np.ndarray, at: np.ndarray, n: int) -> None:
    """Sort the first n."""
    low_of, high_of, depth_of = np.empty(256, np.int64), np.empty(256, np.int64), np.empty(256, np.int64)
    low_of[0], high_of[0], depth_of[0] = 0, n, halvings(n)
    waiting = 1
    while waiting:
        waiting -= 1
        low, high, depth = low_of[waiting], high_of[waiting], depth_of[waiting]
        while high - low > 16:
            if depth == 0:
                heap_selected(key, at, low, high, high)
                heap_emptied(key, at, low, high)
                break
            depth -= 1
            cut = parted(key, at, low, high)
            low_of[waiting], high_of[waiting], depth_of[waiting] = cut, high, depth
            waiting += 1
            high = cut
    inserted(key, at, 0, n)


def placed(key: np.ndarray, at: np.ndarray, nth: int, n: int) -> None:
    """Bring the element of rank nth to its place, the lesser before it."""
    low, high, depth = 0, n, halvings(n)
    while high - low > 3:
        if depth == 0:
            heap_selected(key, at, low, nth + 1, high)
            v = at[low]
            at[low] = at[nth]
            at[nth] = v
            return
        depth -= 1
        cut = parted(key, at, low, high)
        if cut <= nth:
            low = cut
        else:
            high = cut
    inserted(key, at, low, high)


def first_few(key: np.ndarray, at: np.ndarray, k: int, n: int, in_order: bool) -> None:
    """Bring the k least to the front: by a heap where k is small beside n, else by parting."""
    if k * 64 <= n:
        heap_selected(key, at, 0, k, n)
        heap_emptied(key, at, 0, k)
    elif k:
        placed(key, at, k - 1, n)
        if in_order:
            ordered(key, at, k - 1)


def picked(key: np.ndarray, at: np.ndarray, k: int, n: int) -> None:
    """Bring the element of rank k to its place by Hoare's quickselect with a median of three."""
    low, high = 0, n - 1
    while high > low:
        if high == low + 1:
            if key[at[low]] > key[at[high]]:
                at[low], at[high] = at[high], at[low]
            return
        middle = low + (high - low) // 2
        at[middle], at[low + 1] = at[low + 1], at[middle]
        if key[at[low + 1]] > key[at[high]]:
            at[low + 1], at[high] = at[high], at[low + 1]
        if key[at[low]] > key[at[high]]:
            at[low], at[high] = at[high], at[low]
        if key[at[low + 1]] > key[at[low]]:
            at[low + 1], at[low] = at[low], at[low + 1]
        i, j = low + 1, high
        pivot = key[at[low]]
        while True:
            i += 1
            while pivot > key[at[i]]:
                i += 1
            j -= 1
            while key[at[j]] > pivot:
                j -= 1
            if j < i:
                break
            at[i], at[j] = at[j], at[i]
        at[low], at[j] = at[j], at[low]
        if j <= k:
            low = i
        if j >= k:
            high = j - 1


def one_row(key: np.ndarray, at: np.ndarray, way: int, k: int) -> None:
    """One of the ways above: 0 ordered, 1 the first k in order, 2 the first k, 3 placed, 4 picked."""
    n = len(key)
    if way == 0:
        ordered(key, at, n)
    elif way == 1:
        first_few(key, at, k, n, True)
    elif way == 2:
        first_few(key, at, k, n, False)
    elif way == 3:
        placed(key, at, k, n)
    else:
        picked(key, at, k, n)


def each_row(keys: np.ndarray, at: np.ndarray, way: int, k: int) -> None:
    """one_row on every row. Shapes: keys and at (rows, n)."""
    for r in range(keys.shape[0]):
        one_row(keys[r], at[r], way, k)


STEPS = (inserted, sunk, heap_selected, heap_emptied, parted, halvings, ordered, placed, first_few, picked,
         one_row, each_row)
"""All of them, each after those that it calls."""
