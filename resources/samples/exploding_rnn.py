"""A recurrent net whose state grows with every step until float32 has no number for it.

The same matrix, a little too large, multiplies the state again and again: forward and backward explode.
"""

import torch

torch.manual_seed(0)
size, steps = 8, 80
recurrent = (torch.randn(size, size) * 2.0).requires_grad_()
entering = torch.randn(size, 1, requires_grad=True)
signal = torch.randn(steps, 1)
optimizer = torch.optim.SGD([recurrent, entering], lr=0.01)

for epoch in range(2):
    state = torch.zeros(size)
    for t in range(steps):
        state = torch.relu(recurrent @ state + entering @ signal[t])
    loss = state.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    print("epoch", epoch, "loss", loss.item(), "gradient", recurrent.grad.norm().item())
    optimizer.step()
print(recurrent[0])
