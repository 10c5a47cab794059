"""1,797 real handwritten digits of 8 x 8 pixels, from resources/data."""

import gzip
from pathlib import Path

import numpy as np
import torch

PATH = Path(__file__).resolve().parents[1] / "data" / "digits.csv.gz"


def load(test=297):
    """Pictures (N, 1, 8, 8) with values from 0 to 1, and the digit of each: for training, then for testing."""
    with gzip.open(PATH, "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.int64)
    pictures = torch.tensor(rows[:, :64], dtype=torch.float32).div(16).view(-1, 1, 8, 8)
    digits = torch.tensor(rows[:, 64])
    return (pictures[:-test], digits[:-test]), (pictures[-test:], digits[-test:])


def drawn(picture):
    """A picture as eight lines of text."""
    return ["".join(" .:-=+*#%@"[int(v * 9)] * 2 for v in row) for row in picture.squeeze(0).tolist()]
