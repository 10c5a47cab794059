# What the document has before this fragment.
import torch 
import torchvision
import torch.nn as nn
import numpy as np
import torchvision.transforms as transforms

# The fragment, as the document writes it.
# Create a numpy array.
x = np.array([[1, 2], [3, 4]])

# Convert the numpy array to a torch tensor.
y = torch.from_numpy(x)

# Convert the torch tensor to a numpy array.
z = y.numpy()

# What shows that it did its work.
print(y, z)
