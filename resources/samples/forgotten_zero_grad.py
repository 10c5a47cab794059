import torch

# Fit y = 3 x by gradient descent.
x = torch.tensor([1.0, 2.0, 3.0, 4.0])
y = 3.0 * x
w = torch.tensor(0.0, requires_grad=True)

for step in range(12):
    loss = ((w * x - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    # w.grad = None is missing: each backward adds to what the earlier ones left,
    # and w swings past 3 again and again.
    print(step, "w =", round(w.item(), 3), " grad =", round(w.grad.item(), 3))
