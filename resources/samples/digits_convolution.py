# Two convolutions read handwritten digits; then what the first of them looks for is drawn.
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

import digits

torch.manual_seed(0)
train, test = digits.load()
loader = DataLoader(TensorDataset(*train), batch_size=50, shuffle=True)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # 8 maps of 4 x 4
        x = F.max_pool2d(F.relu(self.norm(self.conv2(x))), 2)  # 16 maps of 2 x 2
        return self.out(self.drop(x.flatten(1)))


model = Reader()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=5 * len(loader))

for epoch in range(5):
    model.train()
    total = 0.0
    for pictures, classes in loader:
        loss = F.cross_entropy(model(pictures), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        right = (model(test[0]).argmax(1) == test[1]).float().mean().item()
    print(f"epoch {epoch}: mean loss {total / len(loader):.4f}, {right:.1%} right, "
          f"learning rate {scheduler.get_last_lr()[0]:.4f}")

print("\nWhat the first layer looks for ('@' where it wants ink, ' ' where it wants none):")
kernels = model.conv1.weight.detach()
low, high = kernels.min(), kernels.max()
for k in range(0, 8, 4):
    pictures = [digits.drawn((kernels[i] - low) / (high - low)) for i in range(k, k + 4)]
    for lines in zip(*pictures):
        print("   ".join(lines))
    print()
