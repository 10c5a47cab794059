# The notebook's cells in order; a cell's last expression is shown, as a notebook does.

# In [1]
import torch
import torch.autograd as autograd
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

# In [2]
x= Variable(torch.randn(5, 5))
y = Variable(torch.randn(5,5))
z = Variable(torch.randn(5,5), requires_grad=True)

print(x.requires_grad)

# In [3]
print(z.requires_grad)

# In [4]
a = x + y
print(a.requires_grad)

# In [5]
b = z + x
print(b.requires_grad)  # b需要被计算梯度

# In [6]
import torchvision
import torch.optim as optim
model = torchvision.models.resnet18(pretrained=True)
for param in model.parameters():
    param.requires_grad = False
# Replace the last fully-connected layer
# Parameters of newly constructed modules have requires_grad=True by default
model.fc = nn.Linear(512, 100)

# Optimize only the classifier
optimizer = optim.SGD(model.fc.parameters(), lr=1e-2, momentum=0.9)

# In [7]
regular_input = Variable(torch.randn(5, 5))
volatile_input = Variable(torch.randn(5, 5), volatile=True)
model = torchvision.models.resnet18(pretrained=True)

# In [8]
print(volatile_input)

# In [9]
x = torch.Tensor(torch.randn(3, 2))
print(x)

# In [10]
print(torch.is_tensor(x))  # 是不是tensor

# In [11]
print(torch.is_storage(x)) # 是不是一个pytorch storage object

# In [12]
# 计算一共有多少个元素
print(torch.numel(x))

# In [13]
print(torch.eye(5, 2))  # 5 行 2 列

# In [14]
torch.eye(5, 2, out= x)
print(x)

# In [15]
import numpy as np
a=np.array([1,2,3])
x=torch.from_numpy(a)
print(x)

# In [16]
x[0] = 100
print(a)

# In [17]
print(torch.linspace(start = 1, end = 100, steps = 10))  # steps表示在这个区间内等距抽样的个数

# In [18]
print(torch.logspace( start = 1, end = 4, steps = 10))

# In [19]
print(torch.ones(2,5))

# In [20]
# 随机数 【0,1)均匀分布
print(torch.rand(2,3))

# In [21]
# 标准正态分布
print(torch.randn(4))

# In [22]
# 随机排列 0到n-1
print(torch.randperm(5))

# In [23]
print(torch.range(1, 4, step = 1))

# In [24]
print(torch.zeros(2,3))

# In [25]
x = torch.randn(2,3)
print(x)

# In [26]
print(torch.cat((x,x,x), 0)) # rbind

# In [27]
print(torch.cat((x,x,x), 1))

# In [28]
y = torch.cat((x,x,x), 1)
print(torch.chunk(y, 2))

# In [29]
print(torch.chunk(y, 3, dim=1))

# In [32]
print(y.size())

# In [33]
# torch.gather
t = torch.Tensor([[1,2],[3,4]])
print(t)

# In [34]
print(torch.gather(t, 1, torch.LongTensor([[0,0],[1,0]])))

# In [35]
print(torch.gather(t, 0, torch.LongTensor([[0,0],[1,0]])))
