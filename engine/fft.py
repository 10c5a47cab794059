"""torch.fft: Fourier transforms, filled from the records of engine/ops/fourier.py."""

from engine import faces as _faces

_faces.fill(globals(), "fft")
