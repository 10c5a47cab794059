"""The short-time Fourier transform and its inverse: torch.stft and torch.istft."""

from __future__ import annotations

import warnings
from typing import Any

from engine.core import dtype as dt
from engine.ops.fourier import BACKWARD, FORWARD, ORTHO, c2c, c2r, r2c
from engine.ops.part import slice_, unfold_backward
from engine.ops.record import composite

RECTANGLE = ("A window was not provided. A rectangular window will be applied,{0}To suppress this warning "
             "and use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`.")
ONE_SIDED = "Cannot have onesided output if window or input is complex"


def _shown(t: Any) -> str:
    """A tensor as stft's errors name it: torch.FloatTensor[20]."""
    return f"torch.{dt.scalar_type_name(t.dtype)}Tensor{list(t.shape)}"


def _window_shown(window: Any) -> str:
    if window is None:
        return "None"
    return f"torch.{dt.scalar_type_name(window.dtype)}Tensor{{{list(window.shape)}}}"


def _said(value: Any) -> str:
    return "None" if value is None else str(int(value))


def _fitted(window: Any, win_length: int, n_fft: int, like: Any) -> Any:
    """The window in the middle of n_fft places, zeros about it; None where all weights are 1."""
    from engine import ones
    from engine.nn.functional import pad

    if window is None and win_length == n_fft:
        return None
    if window is None:
        window = ones(win_length, dtype=like.dtype)
    left = (n_fft - win_length) // 2
    return pad(window, [left, n_fft - win_length - left]) if win_length < n_fft else window


@composite("stft")
def stft(
    input: Any, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Any = None,
    center: bool = True, pad_mode: str = "reflect", normalized: bool = False, onesided: bool | None = None,
    return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Any:
    """The waves in each stretch of a signal.

    Shapes: input (time) or (batch, time); gives (batch, waves, stretches), complex or with two parts last.
    Raises: RuntimeError where sizes do not fit or a real input comes without return_complex.
    """
    from engine import view_as_real
    from engine.nn.functional import pad

    if window is None:
        warnings.warn(RECTANGLE.format("which is known to cause spectral leakage. Other windows such as "
                                       "torch.hann_window or torch.hamming_window are recommended to reduce "
                                       "spectral leakage."), UserWarning, stacklevel=2)
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if center:
        lead = [1] * (3 - input.ndim)
        dims = input.ndim
        input = pad(input.view([*lead, *input.shape]), [n_fft // 2, n_fft // 2], pad_mode)
        input = input.view(list(input.shape[-dims:]))
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if return_complex is None:
        return_complex = input.is_complex() or window is not None and window.is_complex()
        if not return_complex:
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and "
                               "will further require that return_complex=True in a future PyTorch release.")
    where = (f"stft({_shown(input)}, n_fft={n_fft}, hop_length={hop}, win_length={length}, "
             f"window={_window_shown(window)}, normalized={_said(normalized)}, onesided={_said(onesided)}, "
             f"return_complex={_said(return_complex)}, align_to_window={_said(align_to_window)}) : ")
    if input.dtype.category < dt.FLOAT:
        raise RuntimeError(f"{where}expected a tensor of floating point or complex values")
    if not 1 <= input.ndim <= 2:
        raise RuntimeError(f"{where}expected a 1D or 2D tensor")
    one = input.ndim == 1
    if one:
        input = input.unsqueeze(0)
    if align_to_window:
        left = (n_fft - length) // 2
        input = pad(input, [left, n_fft - length - left])
    batch, time = input.shape
    if not 0 < n_fft <= time:
        raise RuntimeError(f"{where}expected 0 < n_fft < {time}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{where}expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{where}expected 0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and tuple(window.shape) != (length,):
        raise RuntimeError(f"{where}expected a 1D window tensor of size equal to win_length={length}, but "
                           f"got window with size {list(window.shape)}")
    window = _fitted(window, length, n_fft, input)
    across, along = input.stride()
    input = input.as_strided([batch, 1 + (time - n_fft) // hop, n_fft], [across, hop * along, along])
    if window is not None:
        input = input * window
    if onesided is None:
        onesided = not input.is_complex()
    scale = ORTHO if normalized else BACKWARD
    if input.is_complex():
        if onesided:
            raise RuntimeError(ONE_SIDED)
        y = c2c(input, [input.ndim - 1], scale, True)
    else:
        y = r2c(input, [input.ndim - 1], scale, onesided)
    y = y.transpose_(1, 2)
    if one:
        y = y.squeeze_(0)
    return y if return_complex else view_as_real(y)


@composite("istft")
def istft(
    input: Any, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Any = None,
    center: bool = True, normalized: bool = False, onesided: bool | None = None, length: int | None = None,
    return_complex: bool = False,
) -> Any:
    """The signal whose stretches hold these waves: the least-squares inverse of stft.

    Shapes: input (batch, waves, stretches), complex; gives (batch, time).
    Raises: RuntimeError where sizes do not fit, or where the windows together leave a place without weight.
    """
    from engine import ones, view_as_complex, view_as_real
    from engine.nn.functional import pad

    if window is None:
        warnings.warn(RECTANGLE.format("Please provide the same window used by stft to make the inversion "
                                       "lossless."), UserWarning, stacklevel=2)
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if not input.is_complex():
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with "
                           "return_complex=True.")
    kind = dt.scalar_type_name(input.dtype)
    where = (f"istft(CPU{kind}Type{list(input.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={win}, "
             f"window={_window_shown(window)}, center={_said(center)}, normalized={_said(normalized)}, "
             f"onesided={_said(onesided)}, length={_said(length)}, return_complex={_said(return_complex)}) ")
    if not input.numel():
        raise RuntimeError(f"{where}: input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        raise RuntimeError(f"{where}: expected a tensor with 3 or 4 dimensions, but got {input.ndim + 1}")
    waves, frames = input.shape[-2:]
    if onesided is None:
        onesided = waves != n_fft
    if onesided and waves != n_fft // 2 + 1:
        raise RuntimeError(f"{where}: expected the frequency dimension (3rd to the last) of the input tensor "
                           f"to match n_fft / 2 + 1 when onesided=True, but got {waves}")
    if not onesided and waves != n_fft:
        raise RuntimeError(f"{where}: expected the frequency dimension (3rd to the last) of the input tensor "
                           f"to match n_fft when onesided=False, but got {waves}")
    if not 0 < hop <= win:
        raise RuntimeError(f"{where}: expected 0 < hop_length <= win_length")
    if not 0 < win <= n_fft:
        raise RuntimeError(f"{where}: expected 0 < win_length <= n_fft")
    if window is not None and tuple(window.shape) != (win,):
        raise RuntimeError(f"{where}: Invalid window shape. window has to be 1D and length of `win_length`")
    parts = view_as_real(input)
    weights = _fitted(window, win, n_fft, parts)
    if weights is None:
        weights = ones(n_fft, dtype=parts.dtype)
    one = input.ndim == 2
    if one:
        parts = parts.unsqueeze(0)
    y = view_as_complex(parts.transpose(1, 2))
    scale = ORTHO if normalized else FORWARD
    if return_complex:
        if onesided:
            raise RuntimeError(ONE_SIDED)
        y = c2c(y, [y.ndim - 1], scale, False)
    else:
        if window is not None and window.is_complex():
            raise RuntimeError("Complex windows are incompatible with return_complex=False")
        if not onesided:
            y = slice_(y, y.ndim - 1, 0, n_fft // 2 + 1, 1)
        y = c2r(y, [y.ndim - 1], scale, n_fft)
    whole = n_fft + hop * (frames - 1)
    y = unfold_backward(y * weights.view([1, 1, n_fft]), [y.shape[0], whole], 1, n_fft, hop)
    overlap = unfold_backward(weights.pow(2).expand([1, frames, n_fft]), [1, whole], 1, n_fft, hop)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else whole - (n_fft // 2 if center else 0)
    y, overlap = slice_(y, 1, start, min(end, whole), 1), slice_(overlap, 1, start, min(end, whole), 1)
    least = float(overlap.abs().min())
    if not least > 1e-11:
        raise RuntimeError(f"{where}window overlap add min: 1\n[ CPUBoolType{{}} ]")
    y = y / overlap
    if one:
        y = y.squeeze(0)
    if end > whole:
        warnings.warn("The length of signal is shorter than the length parameter. Result is being padded "
                      "with zeros in the tail. Please check your center and hop_length settings.",
                      stacklevel=2)
        y = pad(y, [0, end - whole])
    return y
