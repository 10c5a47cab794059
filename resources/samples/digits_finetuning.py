# Fine-tuning: a network that can tell 0 to 4 keeps all its layers but the last, and learns 5 to 9 from few examples.
import torch
import torch.nn as nn

import digits

torch.manual_seed(0)
(x, y), (x_test, y_test) = digits.load()


def train(model, parameters, x, y, epochs):
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(25):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


def right(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


features = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(108, 32), nn.ReLU())
model = nn.Sequential(features, nn.Linear(32, 5))

small = y < 5
print(f"Learning 0 to 4: loss {train(model, model.parameters(), x[small], y[small], 4):.4f}")
print(f"  {right(model, x_test[y_test < 5], y_test[y_test < 5]):.1%} right")

# Freeze what was learned; only a new last layer is free. Look at the graph: nothing flows below it.
for param in features.parameters():
    param.requires_grad = False
model[1] = nn.Linear(32, 5)

few = (y >= 5).nonzero().flatten()[:100]
x_large, y_large = x_test[y_test >= 5], y_test[y_test >= 5] - 5
print(f"Before: {right(model, x_large, y_large):.1%} of 5 to 9 right")
print(f"Learning 5 to 9 from {len(few)} digits: loss {train(model, model[1].parameters(), x[few], y[few] - 5, 40):.4f}")
print(f"  {right(model, x_large, y_large):.1%} right")
print("frozen, so without gradient:", all(p.grad is None or not p.requires_grad for p in features.parameters()))
