import torch
from torch import nn

torch.manual_seed(0)

# Sixteen hidden units. Fifteen start so far below zero that no input reaches them.
hidden = nn.Linear(4, 16)
output = nn.Linear(16, 1)
with torch.no_grad():
    hidden.bias.fill_(-100.0)
    hidden.bias[0] = 10.0

x = torch.randn(8, 4)
target = torch.randn(8, 1)
optimizer = torch.optim.SGD([*hidden.parameters(), *output.parameters()], lr=0.01)

for step in range(20):
    active = torch.relu(hidden(x))
    loss = ((output(active) - target) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(loss.item(), 4))

# Only the first row of the weight has learned anything.
print((hidden.weight.grad.abs().sum(dim=1) > 0).sum().item(), "of 16 units have a gradient")
