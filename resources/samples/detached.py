import torch
from torch import nn

torch.manual_seed(0)

encoder = nn.Linear(3, 4)
decoder = nn.Linear(4, 3)
x = torch.randn(5, 3)
optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)

for step in range(10):
    code = torch.tanh(encoder(x))
    code = code.detach()
    loss = ((decoder(code) - x) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(loss.item(), 4))

# The decoder learns, the encoder does not: its gradient is None.
print(encoder.weight.grad)
