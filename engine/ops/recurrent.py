"""Recurrent layers: RNN, LSTM and GRU over whole sequences and single steps, drawn as PyTorch's CPU build
draws them.

A float32 LSTM is one node per layer and direction; everything else is written out in linear, sigmoid and
tanh.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.ops import creation
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel

# -- one LSTM layer as one node ---------------------------------------------------------------------------


def _sigmoid(a: np.ndarray) -> np.ndarray:
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    return np.reciprocal(a, out=a)


def _order(length: int, reverse: bool) -> range:
    return range(length - 1, -1, -1) if reverse else range(length)


def _gates_together(w: np.ndarray, n: int) -> np.ndarray:
    """PyTorch's rows i, f, g, o as i, f, o, g: those that a sigmoid closes lie side by side."""
    return np.concatenate([w[: 2 * n], w[3 * n :], w[2 * n : 3 * n]])


def _lstm_layer(
    input: Any,
    weight0: Any,
    weight1: Any,
    weight2: Any,
    weight3: Any,
    hx_: Any,
    cx_: Any,
    reverse: bool,
    hidden_size: int,
) -> tuple:
    """(outputs, last h, last c, gates and cells). Shapes: input (L, N, in), workspace (L, N, 5·hidden)."""
    length, batch, width = input.shape
    n = hidden_size
    kept = np.empty((length, batch, 5 * n), input.dtype)
    steps = (input.reshape(-1, width) @ _gates_together(weight0, n).T).reshape(length, batch, 4 * n)
    steps += _gates_together(weight2 + weight3, n)
    out = np.empty((length, batch, n), input.dtype)
    h, c = hx_, cx_
    across = np.ascontiguousarray(_gates_together(weight1, n).T)
    from_hidden = np.empty((batch, 4 * n), input.dtype)
    taken_in = np.empty((batch, n), input.dtype)
    for t in _order(length, reverse):
        gates, w = steps[t], kept[t]
        np.matmul(h, across, out=from_hidden)
        gates += from_hidden
        w[:, : 3 * n] = _sigmoid(gates[:, : 3 * n])
        np.tanh(gates[:, 3 * n :], out=w[:, 3 * n : 4 * n])
        cell = w[:, 4 * n :]
        np.multiply(w[:, n : 2 * n], c, out=cell)
        np.multiply(w[:, :n], w[:, 3 * n : 4 * n], out=taken_in)
        cell += taken_in
        h, c = out[t], cell
        np.tanh(cell, out=taken_in)
        np.multiply(w[:, 2 * n : 3 * n], taken_in, out=h)
    return out, h.copy(), c.copy(), kept


def _lstm_layer_back(
    input: Any,
    weight0: Any,
    weight1: Any,
    hx_: Any,
    cx_: Any,
    output: Any,
    kept: Any,
    grad_out: Any,
    grad_h: Any,
    grad_c: Any,
    reverse: bool,
) -> tuple:
    """Gradients of input, both weights, the bias, and both states."""
    length, batch, width = input.shape
    n = output.shape[2]
    i, f, o, g, c = (kept[:, :, k * n : (k + 1) * n] for k in range(5))
    if reverse:
        h_before, c_before = np.concatenate([output[1:], hx_[None]]), np.concatenate([c[1:], cx_[None]])
    else:
        h_before, c_before = np.concatenate([hx_[None], output[:-1]]), np.concatenate([cx_[None], c[:-1]])
    shown = np.tanh(c)
    # all that does not depend on the later steps, for all steps at once
    from_cell = np.empty((length, batch, 3, n), input.dtype)
    from_cell[:, :, 0] = g * i * (1 - i)
    from_cell[:, :, 1] = c_before * f * (1 - f)
    from_cell[:, :, 2] = i * (1 - g * g)
    from_output = shown * o * (1 - o)
    into_cell = o * (1 - shown * shown)
    d_gates = np.empty((length, batch, 4, n), input.dtype)
    dh, dc = np.array(grad_h), np.array(grad_c)
    for t in reversed(_order(length, reverse)):
        dh += grad_out[t]
        dc += dh * into_cell[t]
        d = d_gates[t]
        np.multiply(dc[:, None], from_cell[t], out=d[:, :3])
        np.multiply(dh, from_output[t], out=d[:, 3])
        dc *= f[t]
        dh = d.reshape(batch, 4 * n) @ weight1
    flat = d_gates.reshape(-1, 4 * n)
    return (
        (flat @ weight0).reshape(input.shape),
        flat.T @ input.reshape(-1, width),
        flat.T @ h_before.reshape(-1, n),
        flat.sum(0),
        dh,
        dc,
    )


_layer_backward = kernel(
    name="mkldnn_rnn_layer_backward",
    on=("torch",),
    out=False,
    forward=_lstm_layer_back,
    text="The gradients of one LSTM layer, step by step from the last to the first.",
)


def _layer_gradients(
    grads: tuple, given: tuple, output: Any, kept: Any, reverse: bool, needs: tuple
) -> tuple:
    input, weight0, weight1, _, _, hx_, cx_ = given
    if modes.grad_enabled:
        return _differentiable(grads, given, reverse, needs)
    dx, dw0, dw1, db, dh, dc = _layer_backward(
        input, weight0, weight1, hx_, cx_, output, kept, grads[0], grads[1], grads[2], reverse
    )
    return dx, dw0, dw1, db, db, dh, dc


def _differentiable(grads: tuple, given: tuple, reverse: bool, needs: tuple) -> tuple:
    """The same gradients, for somebody who differentiates again: the layer is written out step by step."""
    from engine.autograd.backward import grad

    # one tensor may be given twice, as both states, and each wants its own share
    given = tuple(t.view_as(t) for t in given)
    y, (h, c) = _along("lstm", given[0], given[5:], _Weights(*given[1:5]), reverse)
    wanted = [t for t, name in zip(given, _LAYER_INPUTS) if name in needs]
    found = iter(grad([y, h, c], wanted, list(grads[:3]), create_graph=True, allow_unused=True))
    return tuple(next(found) if name in needs else None for name in _LAYER_INPUTS)


_LAYER_INPUTS = ("input", "weight0", "weight1", "weight2", "weight3", "hx_", "cx_")

mkldnn_rnn_layer = kernel(
    name="mkldnn_rnn_layer",
    inputs=_LAYER_INPUTS,
    grad_fn="MkldnnRnnLayerBackward0",
    on=("torch",),
    out=False,
    nondiff=(3,),
    forward=_lstm_layer,
    formula=r"h_t = o_t \tanh c_t,\; c_t = f_t c_{t-1} + i_t g_t",
    text="An LSTM layer over a whole sequence: gates decide what the cell forgets, takes in and shows.",
    grads={
        _LAYER_INPUTS: (
            lambda grads, input, weight0, weight1, weight2, weight3, hx_, cx_, result0, result3, reverse,
            needs:
            _layer_gradients(
                grads, (input, weight0, weight1, weight2, weight3, hx_, cx_), result0, result3, reverse, needs
            )
        ),
    },
)

# -- single steps -----------------------------------------------------------------------------------------


class _Weights:
    """The parameters of one layer in one direction."""

    def __init__(self, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, w_hr: Any = None) -> None:
        self.w_ih, self.w_hh, self.b_ih, self.b_hh, self.w_hr = w_ih, w_hh, b_ih, b_hh, w_hr

    def from_input(self, x: Any) -> Any:
        """What the input adds to the gates."""
        return OPS["linear"](x, self.w_ih, self.b_ih)

    def from_hidden(self, h: Any) -> Any:
        """What the state adds to the gates."""
        return OPS["linear"](h, self.w_hh, self.b_hh)


def _split(gates: Any, n: int) -> tuple:
    return OPS["unsafe_split"](gates, gates._a.shape[1] // n, 1)


def _plain_step(activation: str) -> Any:
    def step(from_input: Any, h: Any, w: _Weights) -> Any:
        return OPS[activation](w.from_hidden(h) + from_input)

    return step


def _lstm_step(from_input: Any, state: tuple, w: _Weights) -> tuple:
    h, c = state
    i, f, g, o = _split(w.from_hidden(h) + from_input, 4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w.w_hr is None else h.matmul(w.w_hr.t())), c


def _gru_step(from_input: Any, h: Any, w: _Weights) -> Any:
    x_reset, x_update, x_new = _split(from_input, 3)
    h_reset, h_update, h_new = _split(w.from_hidden(h), 3)
    reset = (h_reset + x_reset).sigmoid()
    update = (h_update + x_update).sigmoid()
    new = (x_new + h_new * reset).tanh()
    return (h - new) * update + new


_STEPS: dict[str, Any] = {
    "rnn_tanh": _plain_step("tanh"),
    "rnn_relu": _plain_step("relu"),
    "lstm": _lstm_step,
    "gru": _gru_step,
}


def _checked_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, which: str = "0") -> None:
    """Raises: RuntimeError when the sizes do not fit."""
    if input._a.shape[1] != w_ih._a.shape[1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {input._a.shape[1]} expected {w_ih._a.shape[1]}"
        )
    if input._a.shape[0] != hx._a.shape[0]:
        raise RuntimeError(
            f"Input batch size {input._a.shape[0]} doesn't match hidden{which} batch size {hx._a.shape[0]}"
        )
    if hx._a.shape[1] != w_hh._a.shape[1]:
        raise RuntimeError(
            f"hidden{which} has inconsistent hidden_size: got {hx._a.shape[1]}, expected {w_hh._a.shape[1]}"
        )


def _cell(mode: str, input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    _checked_cell(input, hx[0] if mode == "lstm" else hx, w_ih, w_hh)
    w = _Weights(w_ih, w_hh, b_ih, b_hh)
    return _STEPS[mode](w.from_input(input), hx, w)


@composite(
    "rnn_tanh_cell", on=("torch",), out=False, formula=r"h' = \tanh(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})"
)
def rnn_tanh_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of an RNN with tanh."""
    return _cell("rnn_tanh", input, hx, w_ih, w_hh, b_ih, b_hh)


@composite(
    "rnn_relu_cell", on=("torch",), out=False, formula=r"h' = \max(0, W_{ih} x + b_{ih} + W_{hh} h + b_{hh})"
)
def rnn_relu_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of an RNN with relu."""
    return _cell("rnn_relu", input, hx, w_ih, w_hh, b_ih, b_hh)


@composite("lstm_cell", on=("torch",), out=False, formula=r"h' = o \tanh c',\; c' = f c + i g")
def lstm_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> tuple:
    """(h, c) after one step of an LSTM."""
    return _cell("lstm", input, hx, w_ih, w_hh, b_ih, b_hh)


@composite("gru_cell", on=("torch",), out=False, formula=r"h' = (1 - z)\, n + z\, h")
def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of a GRU."""
    return _cell("gru", input, hx, w_ih, w_hh, b_ih, b_hh)


# -- whole sequences -------------------------------------------------------------------------------------


def _first(state: Any) -> Any:
    return state[0] if type(state) is tuple else state


def _narrowed(state: Any, start: int, size: int) -> Any:
    if type(state) is tuple:
        return tuple(s.narrow(0, start, size) for s in state)
    return state.narrow(0, start, size)


def _joined(states: list) -> Any:
    if type(states[0]) is tuple:
        return tuple(OPS["cat"](list(parts), 0) for parts in zip(*states))
    return OPS["cat"](states, 0)


def _along(mode: str, x: Any, state: Any, w: _Weights, reverse: bool) -> tuple:
    """(outputs, last state) of one layer in one direction. Shapes: (L, N, in) → (L, N, hidden)."""
    step = _STEPS[mode]
    inputs = w.from_input(x).unbind(0)
    outputs = []
    for part in reversed(inputs) if reverse else inputs:
        state = step(part, state, w)
        outputs.append(_first(state))
    if reverse:
        outputs.reverse()
    return OPS["stack"](outputs, 0), state


def _along_packed(mode: str, x: Any, sizes: list[int], state: Any, w: _Weights, reverse: bool) -> tuple:
    """_along for sequences stored step by step, longest first."""
    step = _STEPS[mode]
    inputs = w.from_input(x)
    outputs: list = []
    if reverse:
        start, last = inputs._a.shape[0], sizes[-1]
        whole, state = state, _narrowed(state, 0, last)
        for size in reversed(sizes):
            if size > last:
                state = _joined([state, _narrowed(whole, last, size - last)])
                last = size
            start -= size
            state = step(inputs.narrow(0, start, size), state, w)
            outputs.append(_first(state))
        outputs.reverse()
        return OPS["cat"](outputs, 0), state
    start, last = 0, sizes[0]
    finished: list = []
    for size in sizes:
        if size < last:
            finished.append(_narrowed(state, size, last - size))
            state = _narrowed(state, 0, size)
            last = size
        state = step(inputs.narrow(0, start, size), state, w)
        start += size
        outputs.append(_first(state))
    finished.append(state)
    finished.reverse()
    return OPS["cat"](outputs, 0), _joined(finished) if len(finished) > 1 else finished[0]


def _fused(x: Any, state: tuple, w: _Weights, reverse: bool) -> tuple:
    """_along for a float32 LSTM, as one node."""
    hidden = w.w_hh._a.shape[1]
    b_ih, b_hh = w.b_ih, w.b_hh
    if b_ih is None:
        b_ih = b_hh = creation.zeros(w.w_ih._a.shape[0], dtype=w.w_ih.dtype)
    y, h, c, _ = mkldnn_rnn_layer(x, w.w_ih, w.w_hh, b_ih, b_hh, *state, reverse, hidden)
    return y, (h, c)


def _weights(params: Any, has_biases: bool, projected: bool) -> list[_Weights]:
    params = list(params)
    size = (4 if has_biases else 2) + projected
    found = []
    for i in range(0, len(params), size):
        part = params[i : i + size]
        w_hr = part.pop() if projected else None
        found.append(_Weights(*part, *(() if has_biases else (None, None)), w_hr))  # type: ignore[call-arg]
    return found


def _sequence(mode: str, args: tuple, kwargs: dict) -> tuple:
    """The layers of any mode over plain or packed input: (output, last h) or (output, last h, last c)."""
    names: tuple[str, ...]
    if "batch_sizes" in kwargs or isinstance(args[3] if len(args) > 3 else None, (list, tuple)):
        names = (
            "data",
            "batch_sizes",
            "hx",
            "params",
            "has_biases",
            "num_layers",
            "dropout",
            "train",
            "bidirectional",
        )
    else:
        names = (
            "input",
            "hx",
            "params",
            "has_biases",
            "num_layers",
            "dropout",
            "train",
            "bidirectional",
            "batch_first",
        )
    given = {**dict(zip(names, args)), **kwargs}
    sizes = None
    x = given.get("data")
    if x is None:
        x = given["input"]
    else:
        sizes = given["batch_sizes"].tolist()
    batch_first = given.get("batch_first", False)
    hx = given["hx"]
    lstm = mode == "lstm"
    projected = lstm and hx[0]._a.shape[2] != hx[1]._a.shape[2]
    layers = _weights(given["params"], given["has_biases"], projected)
    fused = lstm and sizes is None and not projected and x._a.dtype == np.float32 and x._a.size > 0
    if batch_first:
        x = x.transpose(0, 1)
    if fused:
        x = x.contiguous()
        states: list = [(hx[0][i], hx[1][i]) for i in range(len(layers))]
    elif lstm:
        states = list(zip(hx[0].unbind(0), hx[1].unbind(0)))
    else:
        states = list(hx.unbind(0))
    directions = 2 if given["bidirectional"] else 1
    last = []
    for layer in range(given["num_layers"]):
        outputs = []
        for direction in range(directions):
            at = layer * directions + direction
            if fused:
                y, state = _fused(x, states[at], layers[at], bool(direction))
            elif sizes is None:
                y, state = _along(mode, x, states[at], layers[at], bool(direction))
            else:
                y, state = _along_packed(mode, x, sizes, states[at], layers[at], bool(direction))
            outputs.append(y)
            last.append(state)
        x = outputs[0] if directions == 1 else OPS["cat"](outputs, outputs[0]._a.ndim - 1)
        if given["dropout"] != 0 and given["train"] and layer < given["num_layers"] - 1:
            x = OPS["dropout"](x, given["dropout"], True)
    if batch_first:
        x = x.transpose(0, 1) if lstm else x.transpose_(0, 1)
    if lstm:
        return x, OPS["stack"]([h for h, _ in last], 0), OPS["stack"]([c for _, c in last], 0)
    return x, OPS["stack"](last, 0)


@composite(
    "rnn_tanh",
    on=("torch",),
    out=False,
    formula=r"h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})",
)
def rnn_tanh(*args: Any, **kwargs: Any) -> tuple:
    """(outputs, last h) of RNN layers with tanh."""
    return _sequence("rnn_tanh", args, kwargs)


@composite(
    "rnn_relu",
    on=("torch",),
    out=False,
    formula=r"h_t = \max(0, W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})",
)
def rnn_relu(*args: Any, **kwargs: Any) -> tuple:
    """(outputs, last h) of RNN layers with relu."""
    return _sequence("rnn_relu", args, kwargs)


@composite("lstm", on=("torch",), out=False, formula=r"h_t = o_t \tanh c_t,\; c_t = f_t c_{t-1} + i_t g_t")
def lstm(*args: Any, **kwargs: Any) -> tuple:
    """(outputs, last h, last c) of LSTM layers."""
    return _sequence("lstm", args, kwargs)


@composite("gru", on=("torch",), out=False, formula=r"h_t = (1 - z_t)\, n_t + z_t\, h_{t-1}")
def gru(*args: Any, **kwargs: Any) -> tuple:
    """(outputs, last h) of GRU layers."""
    return _sequence("gru", args, kwargs)


# -- packing ---------------------------------------------------------------------------------------------


def _packed_rows(lengths: list[int]) -> tuple[list[int], list[int], list[int]]:
    """(step, sequence) of every row of packed data, and how many sequences each step has."""
    sizes = [sum(n > t for n in lengths) for t in range(lengths[0])]
    steps = [t for t, size in enumerate(sizes) for _ in range(size)]
    return steps, [i for size in sizes for i in range(size)], sizes


def _check_lengths(lengths: list[int], batch: int) -> None:
    """Raises: RuntimeError when these cannot be the lengths of a batch, longest first."""
    if len(lengths) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={batch})"
        )
    if not lengths or min(lengths) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(b > a for a, b in zip(lengths, lengths[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
            "requirement "
            "if you do not need ONNX exportability."
        )


def _pack(input: Any, lengths: Any, batch_first: bool) -> tuple:
    a = input.swapaxes(0, 1) if batch_first else input
    steps, rows, sizes = _packed_rows(lengths.tolist())
    return a[steps, rows], np.array(sizes, np.int64)


def _unpack_gradient(grad: Any, result1: Any, input_shape: Any, batch_first: bool) -> Any:
    shape = input_shape if not batch_first else (input_shape[1], input_shape[0], *input_shape[2:])
    out = creation.zeros(*shape, dtype=grad.dtype)
    start = 0
    for t, size in enumerate(result1.tolist()):
        out[t, :size] = grad.narrow(0, start, size)
        start += size
    return out.transpose(0, 1) if batch_first else out


_pack_kernel = kernel(
    name="pack_padded.rows",
    inputs=("input",),
    grad_fn="PackPaddedSequenceBackward0",
    on=(),
    out=False,
    nondiff=(1,),
    forward=_pack,
    text="Stores padded sequences step by step, without the padding.",
    grads={
        "input": lambda grad, result1, input_shape, batch_first: _unpack_gradient(
            grad, result1, input_shape, batch_first
        )
    },
)


@composite("_pack_padded_sequence", on=("torch",), out=False)
def pack_padded(input: Any, lengths: Any, batch_first: bool = False) -> tuple:
    """(data step by step, how many sequences each step has) of padded sequences, longest first."""
    _check_lengths(lengths.tolist(), input._a.shape[0 if batch_first else 1])
    return _pack_kernel(input, lengths, batch_first)


@composite("_pad_packed_sequence", on=("torch",), out=False)
def pad_packed(
    data: Any,
    batch_sizes: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int = -1,
) -> tuple:
    """(padded sequences, their lengths) of data stored step by step."""
    sizes = batch_sizes.tolist()
    longest = max(total_length, len(sizes))
    out = creation.full((longest, sizes[0], *data._a.shape[1:]), padding_value, dtype=data.dtype)
    start, t = 0, 0
    while t < len(sizes):
        run = t + 1
        while run < len(sizes) and sizes[run] == sizes[t]:
            run += 1
        count = (run - t) * sizes[t]
        block = data.narrow(0, start, count).view(run - t, sizes[t], *data._a.shape[1:])
        out[t:run, : sizes[t]] = block
        start, t = start + count, run
    lengths = [sum(size > i for size in sizes) for i in range(sizes[0])]
    return (out.transpose(0, 1) if batch_first else out), creation.tensor(lengths)
