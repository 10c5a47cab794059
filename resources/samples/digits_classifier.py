# Training an image classifier, as the tutorial does it with CIFAR-10, on digits that need no download:
# a data set of one's own, a network, a loss, training, and what it reads right class by class.
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

import digits

torch.manual_seed(0)


class Digits(torch.utils.data.Dataset):
    def __init__(self, train):
        self.pictures, self.labels = digits.load()[0 if train else 1]

    def __getitem__(self, index):
        return (self.pictures[index] - 0.5) / 0.5, self.labels[index]  # from -1 to 1

    def __len__(self):
        return len(self.labels)


trainloader = torch.utils.data.DataLoader(Digits(train=True), batch_size=4, shuffle=True)
testloader = torch.utils.data.DataLoader(Digits(train=False), batch_size=4, shuffle=False)
classes = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 2 * 2, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 2 * 2)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.005, momentum=0.9)

for epoch in range(3):
    running_loss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data

        optimizer.zero_grad()

        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()

        running_loss += loss.item()
        if i % 125 == 124:
            print("[%d, %5d] loss: %.3f" % (epoch + 1, i + 1, running_loss / 125))
            running_loss = 0.0
print("Finished training")

images, labels = next(iter(testloader))
_, predicted = torch.max(net(images), 1)
print("True:     ", " ".join("%5s" % classes[labels[j]] for j in range(4)))
print("Predicted:", " ".join("%5s" % classes[predicted[j]] for j in range(4)))

class_correct = list(0.0 for i in range(10))
class_total = list(0.0 for i in range(10))
with torch.no_grad():
    for images, labels in testloader:
        _, predicted = torch.max(net(images), 1)
        for label, right in zip(labels, predicted == labels):
            class_correct[label] += right.item()
            class_total[label] += 1
print("Right: %d %% of %d" % (100 * sum(class_correct) / sum(class_total), sum(class_total)))
for i in range(10):
    print("  %5s: %3d %%" % (classes[i], 100 * class_correct[i] / class_total[i]))
