"""CIFAR-10 and CIFAR-100: 60,000 colour pictures of 32 x 32.

Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import os
import pickle
import tarfile
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.vision.datasets.vision import VisionDataset
from engine.vision.fetch import fetch, is_whole

BUILDABLE = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
"""All that a batch file may build: arrays, strings, lists and dictionaries."""


class ArrayUnpickler(pickle.Unpickler):
    """Reads a batch file without running code from it."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in BUILDABLE:
            raise pickle.UnpicklingError(f"a CIFAR file may hold arrays, strings and lists, but this one "
                                         f"asks for "
                                         f"{module}.{name}")
        return super().find_class(module, name)


class CIFAR10(VisionDataset):
    """Ten classes of things and animals; 50,000 pictures to train, 10,000 to test."""

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {"filename": "batches.meta", "key": "label_names", "md5": "5ff9c542aee3614f3951f8cda6e48888"}

    def __init__(self, root: str, train: bool = True, transform: Callable | None = None,
                 target_transform: Callable | None = None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(
                "Dataset not found or corrupted. You can use download=True to download it. Offline: put "
                f"{self.filename} ({self.url}) into {os.path.abspath(self.root)} and unpack it there, so "
                f"that "
                f"{os.path.join(os.path.abspath(self.root), self.base_folder, self.train_list[0][0])} "
                f"exists.")
        data, self.targets = [], []
        for name, _ in self.train_list if train else self.test_list:
            entry = self._read(name)
            data.append(entry["data"])
            self.targets.extend(entry["labels"] if "labels" in entry else entry["fine_labels"])
        self.data = np.vstack(data).reshape(-1, 3, 32, 32).transpose((0, 2, 3, 1))
        self.classes = self._read(self.meta["filename"])[self.meta["key"]]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.base_folder, name)

    def _read(self, name: str) -> Any:
        with open(self._path(name), "rb") as file:
            return ArrayUnpickler(file, encoding="latin1").load()

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        return self.transformed(Image.fromarray(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def _check_integrity(self) -> bool:
        return all(is_whole(self._path(name), md5) for name, md5 in
                   [*self.train_list, *self.test_list, [self.meta["filename"], self.meta["md5"]]])

    def download(self) -> None:
        """Fetch and unpack the archive, unless the files are there."""
        if self._check_integrity():
            return
        archive = fetch([self.url], os.path.join(self.root, self.filename), self.tgz_md5)
        with tarfile.open(archive) as tar:
            tar.extractall(self.root, filter="data")

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """A hundred classes in the same format."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta = {"filename": "meta", "key": "fine_label_names", "md5": "7973b15100ade9c7d40fb424638fde48"}
