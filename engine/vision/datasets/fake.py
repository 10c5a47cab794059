"""Random pictures, to try a program without data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.vision.datasets.vision import VisionDataset


class FakeData(VisionDataset):
    """`size` random pictures of `image_size` with random classes; each the same every time."""

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.size, self.num_classes, self.image_size = size, num_classes, image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        import engine as torch
        from engine.vision.transforms.functional import to_pil_image

        if index >= len(self):
            raise IndexError(f"{self.__class__.__name__} index out of range")
        state = torch.get_rng_state()
        torch.manual_seed(index + self.random_offset)
        picture = torch.randn(*self.image_size)
        target = torch.randint(0, self.num_classes, size=(1,), dtype=torch.long)[0]
        torch.set_rng_state(state)
        picture, target = self.transformed(to_pil_image(picture), target)
        return picture, target.item() if self.target_transform is None else target

    def __len__(self) -> int:
        return self.size
