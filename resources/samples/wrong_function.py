"""A custom autograd.Function whose backward is wrong for inputs below zero.

The forward is x * sigmoid(x). Its backward has the slope right above zero, and below it forgets a term.
"""

import torch


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        slope = s + x * s * (1 - s)
        return grad * torch.where(x >= 0, slope, s)


inputs = torch.linspace(-3, 3, 12).reshape(3, 4)  # six below zero, six above
weight = torch.eye(4, requires_grad=True)
target = torch.zeros(3, 4)

for step in range(20):
    outputs = Swish.apply(inputs @ weight)
    loss = ((outputs - target) ** 2).mean()
    weight.grad = None
    loss.backward()
    with torch.no_grad():
        weight -= 0.1 * weight.grad
    if step % 5 == 0:
        print(step, loss.item())
