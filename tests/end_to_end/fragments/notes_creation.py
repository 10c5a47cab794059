# What the document has before this fragment.
import torch

# The fragment, as the document writes it.
x = torch.empty(5, 3)
x = torch.rand(5, 3)
x = torch.zeros(5, 3, dtype = torch.long)
x = torch.tensor([5.5, 3])
x.new_ones(5, 3, dtype = torch.double)
torch.randn_like(x, dtype = torch.float)

# What shows that it did its work.
print(x.size(), x.dtype)
