# What no_grad, detach and requires_grad do to the graph: walk backward and see where it ends.
import torch

a = torch.tensor([1.1], requires_grad=True)
b = a * 2
print(b.add_(2))  # the graph goes on: AddBackward0
with torch.no_grad():
    print(b.mul_(2))  # computed, but not tracked: still AddBackward0
b.backward()
print("b is now 2 * (2 * a + 2), yet the gradient is", a.grad, "and not 4: nobody saw the second factor")

x = torch.linspace(-1, 1, 5)
w = torch.tensor(2.0, requires_grad=True)
c = torch.tensor(1.0)  # no gradient wanted
y = w * x + c
print("y", y.requires_grad, "because of w;  x * c", (x * c).requires_grad)

loss = (y.detach() * y).sum()  # one factor is a constant to the graph
loss.backward()
print("half of the gradient, by detach:", w.grad)
w.grad = None
((w * x + c) ** 2).sum().backward()
print("all of it:                      ", w.grad)
