# What the document has before this fragment.
import torch
x = torch.tensor([2.5])

# The fragment, as the document writes it.
x.item()

# What shows that it did its work.
print(x.item())
