import torch

# 1 and 2 are whole numbers, so this is an int64 tensor: it can have no gradient.
x = torch.tensor([1, 2, 3])
w = torch.tensor([0.5, 0.5, 0.5], requires_grad=True)

try:
    x.requires_grad_()
except RuntimeError as error:
    print(error)

y = (w * x).sum()
y.backward()
print("w.grad =", w.grad)
print("x.grad =", x.grad)
