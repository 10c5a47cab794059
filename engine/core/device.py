"""Where a tensor lives."""

from __future__ import annotations

from typing import Any


class device:
    """A device: torch.device("cpu"), torch.device("cuda", 0)."""

    __slots__ = ("type", "index")
    __module__ = "torch"
    KINDS = ("cpu", "cuda", "meta", "mps", "xpu")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        kind = type
        if isinstance(kind, device):
            kind, index = kind.type, kind.index  # type: ignore[assignment]
        elif isinstance(kind, int):
            kind, index = "cuda", kind  # type: ignore[assignment]
        elif ":" in kind:
            kind, _, number = kind.partition(":")
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{kind}:{number}'")
            index = int(number)
        if kind not in self.KINDS:
            raise RuntimeError(
                "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, "
                "xla, lazy, "
                "vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: "
                f"{kind}")
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __repr__(self) -> str:
        return (
            f"device(type='{self.type}')"
            if self.index is None
            else f"device(type='{self.type}', index={self.index})"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple:
        return device, (str(self),)

    def __enter__(self) -> device:
        _before.append(chosen)
        choose(self)
        return self

    def __exit__(self, *exc: object) -> None:
        choose(_before.pop())


cpu = device("cpu")
chosen: device | None = None
"""The device of new tensors where set_default_device or a `with device:` block says so."""
_before: list = []


def choose(where: device | str | int | None) -> None:
    """Set the device of new tensors: torch.set_default_device."""
    global chosen
    chosen = where if where is None or isinstance(where, device) else device(where)
    if chosen is not None and chosen.type == "cpu":
        chosen = None


def get_default_device() -> device:
    """The device of new tensors."""
    return chosen or cpu


def check(where: device | str | int | None) -> device:
    """The device asked for, if this machine has it.

    Raises: AssertionError with PyTorch's words where CUDA is asked for."""
    if where is None:
        if chosen is None:
            return cpu
        where = chosen
    found = where if isinstance(where, device) else device(where)
    if found.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    if found.type not in ("cpu", "meta"):
        raise RuntimeError(f"PyTorch is not linked with support for {found.type} devices")
    return cpu
