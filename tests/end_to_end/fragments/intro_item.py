import torch

x = torch.tensor([1.0])
print(x)  # tensor([1.])
print(x.item())  # 1.0

x = torch.tensor([1.0, 2.0])
try:
    print(x.item())
except (ValueError, RuntimeError) as e:
    print(type(e).__name__, e)
# ValueError: only one element tensors can be converted to Python scalars
print(x.tolist())  # [1.0, 2.0]
