# What the document has before this fragment.
import torch 
import torchvision
import torch.nn as nn
import numpy as np
import torchvision.transforms as transforms

import torchvision
resnet = torchvision.models.resnet18()
resnet.fc = nn.Linear(resnet.fc.in_features, 100)

# The fragment, as the document writes it.
# Save and load the entire model.
torch.save(resnet, 'model.ckpt')
model = torch.load('model.ckpt')

# Save and load only the model parameters (recommended).
torch.save(resnet.state_dict(), 'params.ckpt')
resnet.load_state_dict(torch.load('params.ckpt'))

# What shows that it did its work.
print(type(model).__name__, len(torch.load("params.ckpt")))
