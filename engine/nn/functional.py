"""torch.nn.functional: the functions that networks are written in, gathered from the records."""

from __future__ import annotations

from engine import faces as _faces

_faces.fill(globals(), "nn.functional")
