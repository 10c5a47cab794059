"""0 / 0 is masked by torch.where, so that the loss is fine; yet the gradient is NaN.

where sends back 0 to what it did not choose, and the division makes NaN of it: 0 times 1 / 0.
"""

import torch

counts = torch.tensor([4.0, 0.0, 10.0, 5.0])
hits = torch.tensor([1.0, 0.0, 7.0, 5.0], requires_grad=True)
known = counts > 0

rates = hits / counts
rates = torch.where(known, rates, torch.zeros_like(rates))
loss = ((rates - 0.5) ** 2).mean()
loss.backward()

print("loss:", loss.item())
print("gradient:", hits.grad)
