# What the document has before this fragment.
import torch
import numpy as np
opt = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)

# The fragment, as the document writes it.
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
            total= self.total_iters - self.warmup_len
            lr = 0.5 * (1 + np.cos(np.pi * cur / total)) * self.lr
        return lr
    
    def step(self):
        lr = self.get_lr()
        for param in self.optimizer.param_groups:
            param['lr'] = lr
        self.current_iter += 1

# 使用时：
scheduler = SchedulerCosineDecayWarmup(opt, 0.2, 200, 2000)

# What shows that it did its work.
for _ in range(400):
    scheduler.step()
print(opt.param_groups[0]["lr"])
