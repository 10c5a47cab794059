"""torch.backends: switches of libraries that PyTorch calls; here they are remembered and change nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any


class Backend(ModuleType):
    """One backend: its settings are attributes, and it says whether it is there."""

    def __init__(self, name: str, available: bool = False, **settings: Any) -> None:
        super().__init__(f"torch.backends.{name}", f"Settings of {name}: remembered, without effect.")
        self._available = available
        self.__dict__.update(settings)

    def is_available(self) -> bool:
        """Whether this library is used."""
        return self._available

    is_built = is_available

    def version(self) -> int | None:
        """None: it is not there."""
        return None

    @contextlib.contextmanager
    def flags(self, **settings: Any) -> Iterator[None]:
        """Settings that hold inside a with block."""
        before = {k: getattr(self, k, None) for k in settings}
        self.__dict__.update(settings)
        try:
            yield
        finally:
            self.__dict__.update(before)


cudnn = Backend("cudnn", enabled=True, benchmark=False, deterministic=False, allow_tf32=True,
                benchmark_limit=10,
                fp32_precision="none")
mps = Backend("mps")
mkl = Backend("mkl")
mkldnn = Backend("mkldnn", enabled=False)
openmp = Backend("openmp")
mha = Backend("mha")
nnpack = Backend("nnpack")
opt_einsum = Backend("opt_einsum", enabled=True, strategy="auto")
quantized = Backend("quantized", engine="none", supported_engines=["none"])
xnnpack = Backend("xnnpack", enabled=False)
cpu = Backend("cpu", True)
cpu.get_cpu_capability = lambda: "DEFAULT"  # type: ignore[attr-defined]
cuda = Backend("cuda",
               matmul=Backend("cuda.matmul", allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                                      allow_bf16_reduced_precision_reduction=True))
for _name in ("flash_sdp", "mem_efficient_sdp", "math_sdp", "cudnn_sdp"):
    setattr(cuda, f"{_name}_enabled", lambda name=_name: name == "math_sdp")
    setattr(cuda, f"enable_{_name}", lambda enabled: None)


def _register() -> None:
    """Let `import torch.backends.cudnn` find them."""
    import sys

    for name in ("cudnn", "mps", "mkl", "mkldnn", "openmp", "mha", "nnpack", "opt_einsum", "quantized",
                 "xnnpack", "cpu",
                 "cuda"):
        sys.modules[f"{__name__}.{name}"] = globals()[name]


_register()
