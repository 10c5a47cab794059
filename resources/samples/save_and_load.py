# A model saved and loaded answers as before only when both are in eval mode: dropout is off there.
import os
import tempfile

import torch
import torch.nn as nn

torch.manual_seed(0)
x, y = torch.randn(32, 4), torch.randn(32, 1)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
for epoch in range(60):
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"trained to a loss of {loss.item():.4f}")

path = os.path.join(tempfile.mkdtemp(), "model-dict.pth")
torch.save(net.state_dict(), path)
print("saved:", ", ".join(net.state_dict()))

net2 = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
net2.load_state_dict(torch.load(path))
with torch.no_grad():
    print("in train mode\n ", net(x[:3]).flatten(), "\n ", net2(x[:3]).flatten())
    net.eval()
    net2.eval()
    print("in eval mode\n ", net(x[:3]).flatten(), "\n ", net2(x[:3]).flatten())
    print("the same:", torch.equal(net(x), net2(x)))
