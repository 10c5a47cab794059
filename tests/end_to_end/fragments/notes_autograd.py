# What the document has before this fragment.
import torch

# The fragment, as the document writes it.
x = torch.tensor([[1.0, 1.0], [2.0, 2.0]], requires_grad = True)
print(x)

y = x + 2
print(y)

z = y * y * 3
print(z)

out = z.mean()
print(out)

out.backward()
print(x.grad)

print(y.grad)
print(z.grad)
print(out.grad)
