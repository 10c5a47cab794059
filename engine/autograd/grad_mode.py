"""torch.autograd.grad_mode: the switches of grad mode under their PyTorch address."""

from engine.autograd.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]
