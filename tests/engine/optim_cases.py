"""The optimizers and options that tests compare with PyTorch, and the problem they solve."""

from __future__ import annotations

from typing import Any

import numpy as np

STEPS = 20
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.05}),
    "sgd momentum": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    "sgd nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "maximize": True}),
    "adam": ("Adam", {"lr": 0.02}),
    "adam amsgrad": ("Adam", {"lr": 0.02, "amsgrad": True, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 0.02, "betas": (0.8, 0.95)}),
    "adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "initial_accumulator_value": 0.1}),
    "adadelta": ("Adadelta", {"rho": 0.8, "weight_decay": 0.05}),
    "adamax": ("Adamax", {"weight_decay": 0.05}),
    "nadam": ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.05}),
    "radam": ("RAdam", {"lr": 0.02}),
    "asgd": ("ASGD", {"t0": 5.0, "lambd": 0.1}),
    "rmsprop": ("RMSprop", {"centered": True, "momentum": 0.5}),
    "rprop": ("Rprop", {}),
    "lbfgs": ("LBFGS", {"max_iter": 3}),
    "lbfgs wolfe": ("LBFGS", {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
    "adafactor": ("Adafactor", {"weight_decay": 0.1}),
    "muon": ("Muon", {"lr": 0.02}),
}


def run(torch: Any, case: str, dtype: str) -> np.ndarray:
    """The parameters after each of the steps, one row a step."""
    name, options = CASES[case]
    random = np.random.RandomState(5)
    shapes = [(3, 4), (2, 5)] if name == "Muon" else [(3, 4), (5,)]
    params, goals = [], []
    for shape in shapes:
        params.append(torch.nn.Parameter(torch.tensor(random.standard_normal(shape).astype(dtype))))
        goals.append(random.standard_normal(shape).astype(dtype))
    optimizer = getattr(torch.optim, name)(params, **options)
    rows = []

    def closure() -> Any:
        loss = 0.0
        for p, goal in zip(params, goals):
            way = p.detach().numpy() - goal
            p.grad = torch.tensor(way + 0.1 * np.sin(3 * goal))
            loss += float((way * way).sum()) / 2 + 0.1 * float((way * np.sin(3 * goal)).sum())
        return torch.tensor(loss)

    for _ in range(STEPS):
        if name != "LBFGS":
            closure()
        optimizer.step(closure) if name == "LBFGS" else optimizer.step()
        rows.append(np.concatenate([p.detach().numpy().reshape(-1) for p in params]))
    return np.array(rows)
