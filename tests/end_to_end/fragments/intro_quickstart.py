import numpy as np
import random
import torch

import torch
import torch.nn as nn
import torch.optim as optim

random_seed = 1
torch.manual_seed(random_seed)
np.random.seed(random_seed)
random.seed(random_seed)

class DummyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 6)

    def forward(self, input):
        # y = a * x + b
        output = self.linear(input)
        return output

model = DummyModel()  # 实例化model
print("model =", model)
print("模型各层的参数 model.parameters() =")
for i, param in enumerate(model.parameters()):
    print("===>", i, ", type:", type(param), ", size:", param.size(), ",", param)

# 定义loss function
loss_fn = nn.MSELoss()
# 这里把model的参数传入到optimizer中
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

print("训练数据")
input = torch.randn(2, 5)
print("input =", input)
label = torch.randn(2, 6)
print("label =", label)

for epoch in range(100):
    pred = model(input)  # 计算结果
    loss = loss_fn(pred, label)  # 计算损失
    print("epoch: {}, loss: {}".format(epoch, round(float(loss), 5)))

    optimizer.zero_grad()  # 清空过往梯度
    loss.backward()  # 反向传播，计算当前梯度
    optimizer.step()  # 根据梯度更新网络参数
print("pred =", pred)
