"""torch.autograd.anomaly_mode: the switches of anomaly mode under their PyTorch address."""

from engine.autograd.modes import detect_anomaly
from engine.autograd.modes import set_anomaly_enabled as set_detect_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]
