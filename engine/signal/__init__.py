"""torch.signal: windows for spectra.

windows.py has the window functions."""

from engine.signal import windows

__all__ = ["windows"]
