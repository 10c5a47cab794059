import torch

x = torch.tensor([1, 2, 3, 4])
print(x)  # tensor([1, 2, 3, 4])
print(x.shape)  # torch.Size([4])

x1 = x.expand(2, 4)
print(x1)
# tensor([[1, 2, 3, 4],
#         [1, 2, 3, 4]])
print(x1.shape)  # torch.Size([2, 4])
