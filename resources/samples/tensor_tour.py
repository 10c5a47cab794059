# Making tensors, joining them and picking from them, with what each line prints.
import numpy as np
import torch

torch.manual_seed(0)
print("eye\n", torch.eye(5, 2))
print("linspace", torch.linspace(start=1, end=100, steps=10))
print("logspace", torch.logspace(start=1, end=4, steps=10))
print("rand, randn, randperm\n", torch.rand(2, 3), "\n", torch.randn(4), "\n", torch.randperm(5))

a = np.array([1, 2, 3])
x = torch.from_numpy(a)
x[0] = 100
print("one memory:", a, x)

x = torch.randn(2, 3)
print("cat down\n", torch.cat((x, x, x), 0))
y = torch.cat((x, x, x), 1)
print("cat along\n", y)
print("chunk\n", torch.chunk(y, 3, dim=1))
print("expand\n", torch.tensor([1, 2, 3, 4]).expand(2, 4))

t = torch.tensor([[1.0, 2], [3, 4]], requires_grad=True)
picked = torch.gather(t, 1, torch.tensor([[0, 0], [1, 0]]))
print("gather along a row\n", picked)
picked.sum().backward()
print("its gradient counts how often each was picked\n", t.grad)
print("Threshold\n", torch.nn.Threshold(10, 0)(torch.tensor([[1, 2, 3, 4], [11, 22, 33, 4]])))
