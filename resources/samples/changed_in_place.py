import torch

w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

y = w * 2
z = y.exp()
loss = (z * y).sum()

# exp and the product keep z for their backward: this overwrites it.
z += 1

loss.backward()
print(w.grad)
