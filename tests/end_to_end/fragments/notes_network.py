# What the document has before this fragment.
import torch
torch.manual_seed(0)

# The fragment, as the document writes it.
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

class Net(nn.Module):
    
    def __init__(self):
        super(Net, self).__init__()
        #1 input image channel, 6 output channels, 5x5 square convolution
        #kernel
        self.conv1 = nn.Conv2d(1, 6, 5)
        #卷积层，输入1通道灰度图，输出6通带特征图，卷积核大小3*3
        self.conv2 = nn.Conv2d(6, 16, 5)
        #卷积层，输入6通道特征图，输出16通带特征图，卷积核大小5*5
        
        # an affine operation: y = Wx + b
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        #输入为16*6*6的维度，输出为120的全连接层
        self.fc2 = nn.Linear(120, 84)
        #输入为120的维度，输出为84的全连接层
        self.fc3 = nn.Linear(84, 10)
        #输入为84的维度，输出为10的全连接层
    
    def forward(self, x):
        # Max pooling over a (2, 2) window
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        #1.卷积层
        #2.激活函数
        #3.池化层下采样，具体为在2*2的方格中取一个最大值
        
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        
        
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        #进行第一层全连接并使用激活函数映射
        
        x = F.relu(self.fc2(x))
        #进行第二层全连接并使用激活函数映射
        
        x = self.fc3(x)
        #第三层直接输出
        
        return x
    def num_flat_features(self, x):
        size = x.size()[1:]  # all dimensions except the batch dimension
        num_features = 1
        for s in size:
            num_features *= s
        return num_features

net = Net()
print(net)

#获取模型中的可学习参数
params = list(net.parameters())
#net.parameters()函数来获取模型中可学习的参数
print(len(params))#具有的可学习参数的层数
print(params[0].size()) #conv1的参数

#进行前向传播
input = torch.randn(1,1,32,32)# 四个维度分别为 (N,C,H,W)
out = net(input)#自动调用forward函数计算并返回结果
print(out)


#清空梯度缓存并计算所有需要求导的参数的梯度
net.zero_grad()
out.backward(torch.randn(1,10))

#计算损失函数，一般接收一对数据(output, target),计算两者之间的距离
output = net(input)
target = torch.randn(10)
target = target.view(1,-1) # 令target和output的shape相同.
criterion = nn.MSELoss()#选择计算损失函数方法
loss = criterion(output, target)
print(loss)

#用.grad_fn属性, 可以看到关于loss的计算图
print(loss.grad_fn)
# 当调用loss.backward()时, 就会计算出所有(requires_grad=True的)参数关于loss的梯度, 并且这些参数都将具有.grad属性来获得计算好的梯度

#手动更新参数
learning_rate = 0.001
for f in net.parameters():
    f.data.sub_(learning_rate*f.grad.data)

#利用优化器自动更新梯度
#SGD、Adam算法等
optimizer = optim.SGD(net.parameters(), lr=0.01) # 创建优化器
optimizer.zero_grad() # 清空缓存
output = net(input)
loss = criterion(output, target)
loss.backward() # 计算梯度
optimizer.step() # 执行一次更新
   
