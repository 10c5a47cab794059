# What the document has before this fragment.
import torch
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))

# The fragment, as the document writes it.
torch.save(net,'./model.pth')
# 或者
torch.save(net.state_dict(),'./model-dict.pth')
net=torch.load('./model.pth')
net.load_state_dict(torch.load('./model-dict.pth'))

# What shows that it did its work.
print(net)
