# What the document has before this fragment.
import torch

# The fragment, as the document writes it.
x = torch.ones(2, 2, requires_grad = True)

# What shows that it did its work.
print(x)
