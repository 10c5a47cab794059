"""Pictures side by side, and into files."""

from __future__ import annotations

import math
from typing import Any


def make_grid(tensor: Any, nrow: int = 8, padding: int = 2, normalize: bool = False, value_range: Any = None,
              scale_each: bool = False, pad_value: float = 0.0, **unused: Any) -> Any:
    """A batch of pictures as one. Shapes: (n, c, h, w) or a list of (c, h, w) -> (c, H, W)."""
    import engine as torch

    with torch.no_grad():
        if isinstance(tensor, list):
            tensor = torch.stack(tensor, 0)
        if tensor.dim() == 2:
            tensor = tensor.unsqueeze(0)
        if tensor.dim() == 3:
            if tensor.size(0) == 1:
                tensor = torch.cat((tensor, tensor, tensor), 0)
            tensor = tensor.unsqueeze(0)
        if tensor.dim() == 4 and tensor.size(1) == 1:
            tensor = torch.cat((tensor, tensor, tensor), 1)
        if normalize:
            tensor = tensor.clone()
            for part in tensor if scale_each else [tensor]:
                low, high = value_range or (float(part.min()), float(part.max()))
                part.clamp_(min=low, max=high)
                part.sub_(low).div_(max(high - low, 1e-5))
        if tensor.size(0) == 1:
            return tensor.squeeze(0)
        n = tensor.size(0)
        columns = min(nrow, n)
        rows = math.ceil(n / columns)
        height, width = tensor.size(2) + padding, tensor.size(3) + padding
        grid = tensor.new_full(
            (tensor.size(1), height * rows + padding, width * columns + padding), pad_value
        )
        for k in range(n):
            y, x = divmod(k, columns)
            grid.narrow(1, y * height + padding, height - padding).narrow(
                2, x * width + padding, width - padding).copy_(tensor[k])
        return grid


def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write pictures, side by side, to a file (values from 0 to 1)."""
    import engine as torch

    from PIL import Image

    grid = make_grid(tensor, **kwargs)
    a = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", torch.uint8).numpy()
    Image.fromarray(a).save(fp, format=format)
