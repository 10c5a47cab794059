"""torch.special: special functions, filled from the records of engine/ops/special.py."""

from engine import faces as _faces

_faces.fill(globals(), "special")
