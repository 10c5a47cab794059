"""Runs one fragment as `python -m engine` does, on CIFAR files that a test made (whose checksums nobody
published)."""

from __future__ import annotations

import os
import sys

import engine
import engine.vision.datasets.cifar as cifar
from engine.__main__ import main

if __name__ == "__main__":
    cifar.is_whole = lambda path, md5: os.path.isfile(path)  # type: ignore[assignment]
    engine.manual_seed(0)
    main(sys.argv[1:])
