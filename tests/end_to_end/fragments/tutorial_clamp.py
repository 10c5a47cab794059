# What the document has before this fragment.
import torch
input = torch.tensor([-2., 0.5, 3.])
min, max = -1, 1

# The fragment, as the document writes it.
print(torch.clamp(input, min, max, out=None))
