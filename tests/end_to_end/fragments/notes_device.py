# What the document has before this fragment.
import torch

# The fragment, as the document writes it.
x = torch.ones(2)
device = torch.device("cuda")
cpu_tensor = torch.ones(2)
try:
    torch.ones_like(x, device=device)
    cuda_tensor = cpu_tensor.to(device)
except (AssertionError, RuntimeError) as e:
    print(type(e).__name__)
    cuda_tensor = cpu_tensor
print(cuda_tensor.to("cpu", torch.double))
