# Two linear layers read handwritten digits: 64 pixels in, 10 classes out.
import torch
import torch.nn as nn

import digits

torch.manual_seed(0)
(x, y), (x_test, y_test) = digits.load()

model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Linear(32, 10),
)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)


def accuracy():
    with torch.no_grad():
        return (model(x_test).argmax(1) == y_test).float().mean().item()


print(f"{len(x)} digits to learn from, {len(x_test)} kept back; guessing: {accuracy():.1%} right")
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(50):
        loss = loss_fn(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}, {accuracy():.1%} of the digits kept back are read right")

# What it still gets wrong, as it sees it.
with torch.no_grad():
    chances = model(x_test).softmax(1)
wrong = (chances.argmax(1) != y_test).nonzero().flatten()
for i in wrong[:2]:
    print(f"\na {y_test[i].item()}, read as {chances[i].argmax().item()} ({chances[i].max():.0%} sure)")
    print("\n".join(digits.drawn(x_test[i])))
