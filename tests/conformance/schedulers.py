"""Fifty rates of every scheduler class, side by side with PyTorch's.

python -m tests.conformance.schedulers    prints one line a case and exits with 1 if one differs
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

STEPS = 50


def _third(epoch: int) -> float:
    return 1 / (1 + epoch / 3)


def _falling(epoch: int) -> float:
    return 0.97


def _chain(module: Any, optimizer: Any) -> Any:
    s = module.lr_scheduler
    return s.ChainedScheduler([s.ConstantLR(optimizer, 0.2, 7), s.ExponentialLR(optimizer, 0.93)], optimizer)


def _sequence(module: Any, optimizer: Any) -> Any:
    s = module.lr_scheduler
    parts = [
        s.LinearLR(optimizer, 0.1, 1.0, 6),
        s.CosineAnnealingLR(optimizer, 20),
        s.StepLR(optimizer, 4, 0.5),
    ]
    return s.SequentialLR(optimizer, parts, [6, 26])


def _swa(module: Any, optimizer: Any) -> Any:
    return module.swa_utils.SWALR(optimizer, 0.003, anneal_epochs=11)


def _swa_linear(module: Any, optimizer: Any) -> Any:
    return module.swa_utils.SWALR(optimizer, [0.003, 0.2], anneal_epochs=0, anneal_strategy="linear")


def _by_name(name: str, **options: Any) -> Callable:
    def make(module: Any, optimizer: Any) -> Any:
        return getattr(module.lr_scheduler, name)(optimizer, **options)

    return make


CASES: list[tuple[str, str, Callable]] = [
    ("LambdaLR", "", _by_name("LambdaLR", lr_lambda=_third)),
    ("LambdaLR", "two functions", _by_name("LambdaLR", lr_lambda=[_third, _falling])),
    ("MultiplicativeLR", "", _by_name("MultiplicativeLR", lr_lambda=_falling)),
    ("StepLR", "", _by_name("StepLR", step_size=7, gamma=0.3)),
    ("MultiStepLR", "", _by_name("MultiStepLR", milestones=[3, 3, 17, 40], gamma=0.4)),
    ("ConstantLR", "", _by_name("ConstantLR", factor=0.3, total_iters=9)),
    ("LinearLR", "", _by_name("LinearLR", start_factor=0.2, end_factor=0.7, total_iters=31)),
    ("ExponentialLR", "", _by_name("ExponentialLR", gamma=0.91)),
    ("PolynomialLR", "", _by_name("PolynomialLR", total_iters=37, power=1.7)),
    ("CosineAnnealingLR", "", _by_name("CosineAnnealingLR", T_max=13, eta_min=0.001)),
    ("CosineAnnealingWarmRestarts", "", _by_name("CosineAnnealingWarmRestarts", T_0=5, T_mult=2)),
    ("CosineAnnealingWarmRestarts", "same", _by_name("CosineAnnealingWarmRestarts", T_0=7, eta_min=0.002)),
    ("CyclicLR", "triangular", _by_name("CyclicLR", base_lr=0.01, max_lr=0.2, step_size_up=6)),
    (
        "CyclicLR",
        "triangular2",
        _by_name(
            "CyclicLR", base_lr=0.01, max_lr=[0.2, 0.1], step_size_up=4, step_size_down=7, mode="triangular2"
        ),
    ),
    (
        "CyclicLR",
        "exp_range",
        _by_name("CyclicLR", base_lr=0.01, max_lr=0.2, step_size_up=5, mode="exp_range", gamma=0.97),
    ),
    (
        "CyclicLR",
        "own scale",
        _by_name(
            "CyclicLR", base_lr=0.01, max_lr=0.2, step_size_up=5, scale_fn=_third, scale_mode="iterations"
        ),
    ),
    ("OneCycleLR", "", _by_name("OneCycleLR", max_lr=0.3, total_steps=60)),
    (
        "OneCycleLR",
        "three phases",
        _by_name("OneCycleLR", max_lr=[0.3, 0.2], epochs=6, steps_per_epoch=9, three_phase=True),
    ),
    ("OneCycleLR", "linear", _by_name("OneCycleLR", max_lr=0.3, total_steps=51, anneal_strategy="linear")),
    (
        "ReduceLROnPlateau",
        "",
        _by_name("ReduceLROnPlateau", patience=2, factor=0.6, cooldown=1, min_lr=1e-4),
    ),
    (
        "ReduceLROnPlateau",
        "max",
        _by_name(
            "ReduceLROnPlateau",
            mode="max",
            patience=1,
            factor=0.5,
            threshold_mode="abs",
            min_lr=[0.01, 0.001],
        ),
    ),
    ("SequentialLR", "", _sequence),
    ("ChainedScheduler", "", _chain),
    ("SWALR", "cos", _swa),
    ("SWALR", "linear", _swa_linear),
]


def rates(torch: Any, make: Callable, kind: str) -> list[list[float]]:
    """The rates and momenta of both groups after each step; halfway through a state_dict."""
    first, second = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    groups = [{"params": [first]}, {"params": [second], "lr": 0.04}]
    adam = kind == "Adam"
    optimizer = torch.optim.Adam(groups, lr=0.1) if adam else torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    scheduler = make(torch.optim, optimizer)
    measure = np.random.RandomState(3).rand(STEPS)
    rows = []
    for step in range(STEPS):
        optimizer.step()
        if type(scheduler).__name__ == "ReduceLROnPlateau":
            scheduler.step(1 / (1 + step) + float(measure[step]) / 5)
        else:
            scheduler.step()
        if step == STEPS // 2:
            scheduler.load_state_dict(scheduler.state_dict())
        momenta = [g["betas"][0] if adam else g["momentum"] for g in optimizer.param_groups]
        rows.append([float(g["lr"]) for g in optimizer.param_groups] + [float(m) for m in momenta])
    return rows


def compare(theirs: Any, ours: Any) -> Iterator[tuple[str, str]]:
    """For each case its title and what differs first; nothing differs where that is empty."""
    for name, what, make in CASES:
        for kind in ("SGD", "Adam"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = rates(theirs, make, kind)
                try:
                    found = rates(ours, make, kind)
                except Exception as e:
                    yield f"{name} {what} ({kind})", f"{type(e).__name__}: {e}"
                    continue
            step = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), None)
            difference = "" if step is None else f"step {step}: {found[step]} instead of {expected[step]}"
            yield f"{name} {what} ({kind})", difference


def main() -> int:
    """Print the table; the number of cases that differ."""
    import torch as theirs

    import engine as ours

    covered = {name for name, _, _ in CASES}
    missing = [n for n in theirs.optim.lr_scheduler.__all__ if n not in covered and n != "LRScheduler"]
    wrong = 0
    for title, difference in compare(theirs, ours):
        print(f"{'differs' if difference else 'equal  '}  {title}  {difference}".rstrip())
        wrong += bool(difference)
    print(
        f"{2 * len(CASES) - wrong} of {2 * len(CASES)} equal, {STEPS} steps each; classes without a case: "
        f"{missing}"
    )
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
