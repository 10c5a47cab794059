# What the document has before this fragment.
import torch
import numpy as np
x = torch.ones(3)
ndarray = np.arange(4)

# The fragment, as the document writes it.
x.numpy()
torch.from_numpy(ndarray)

# What shows that it did its work.
print(x.numpy(), torch.from_numpy(ndarray))
