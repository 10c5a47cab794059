# A learning rate that warms up and then follows half a cosine, beside one that stays as it is.
import numpy as np
import torch
import torch.nn as nn


class SchedulerCosineDecayWarmup:
    def __init__(self, optimizer, lr, warmup_len, total_iters):
        self.optimizer = optimizer
        self.lr = lr
        self.warmup_len = warmup_len
        self.total_iters = total_iters
        self.current_iter = 0

    def get_lr(self):
        if self.current_iter < self.warmup_len:
            lr = self.lr * (self.current_iter + 1) / self.warmup_len
        else:
            cur = self.current_iter - self.warmup_len
            total = self.total_iters - self.warmup_len
            lr = 0.5 * (1 + np.cos(np.pi * cur / total)) * self.lr
        return lr

    def step(self):
        lr = self.get_lr()
        for param in self.optimizer.param_groups:
            param["lr"] = lr
        self.current_iter += 1


def train(scheduled):
    torch.manual_seed(0)
    x = torch.linspace(-3, 3, 64).unsqueeze(1)
    y = torch.sin(x) + 0.1 * torch.randn(64, 1)
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    scheduler = SchedulerCosineDecayWarmup(opt, 0.2, 20, 200)
    for i in range(200):
        if scheduled:
            scheduler.step()
        loss = nn.functional.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if i % 40 == 39:
            rate = opt.param_groups[0]["lr"]
            print(f"iteration {i:3}: learning rate {rate:.4f} {'#' * round(100 * rate):20} loss {loss.item():.4f}")


print("warmed up, then half a cosine")
train(scheduled=True)
print("always the same")
train(scheduled=False)
