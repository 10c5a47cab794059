# What the document has before this fragment.
import torch
torch.manual_seed(0)
make = lambda: torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Linear(4, 2))
net = make()
net_load2 = make()
x = torch.ones(1, 3)

# The fragment, as the document writes it.
#保存
net=net.eval()
torch.save(net,'./model.pth')
torch.save(net.state_dict(),'./model-dict.pth')

#加载
net_load1=torch.load('./model.pth')
net_load1=net_load1.eval()
#或者
net_load2.load_state_dict(torch.load('./model-dict.pth'))
net_load2=net_load2.eval()

#此时net和net_load1、net_load2完全一样。

# What shows that it did its work.
print(net(x), net_load1(x), net_load2(x))
