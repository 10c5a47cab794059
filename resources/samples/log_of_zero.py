"""The logarithm of a probability that is exactly zero: the loss is infinite, and the weights become NaN.

Set the breakpoint “NaN or Inf” and run: it stops at the logarithm, not at those that pass its -Inf on.
"""

import torch

torch.manual_seed(0)
points = torch.tensor([[0.5, 1.0], [-1.0, 0.5], [80.0, -60.0], [1.5, -0.5]])
labels = torch.tensor([0, 1, 1, 0])
weight = torch.tensor([[1.0, -1.0], [-0.5, 0.5]], requires_grad=True)

for step in range(3):
    scores = points @ weight.T
    chances = torch.softmax(scores, dim=1)
    right = chances[torch.arange(4), labels]
    loss = -torch.log(right).mean()
    print(step, loss.item())
    weight.grad = None
    loss.backward()
    with torch.no_grad():
        weight -= 0.1 * weight.grad
print(weight)
