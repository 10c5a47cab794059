# What the document has before this fragment.
import torch
x = torch.ones(2, 3)
y = torch.full((2, 3), 2.)
result = torch.empty(2, 3)

# The fragment, as the document writes it.
x.size()
x + y
z = torch.add(x, y)
torch.add(x, y, result)
y.add_(x)
#相当于y += x

# What shows that it did its work.
print(x.size(), z, result, y)
