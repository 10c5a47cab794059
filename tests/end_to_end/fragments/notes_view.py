# What the document has before this fragment.
import torch
x = torch.arange(16.)

# The fragment, as the document writes it.
x.view(-1,8)

# What shows that it did its work.
print(x.view(-1,8))
