"""What everything rests on: types and their promotion, shape rules, the random stream.

dtype.py      torch.float32 and the rest; promotion
shape.py      Size, broadcasting, dimension rules, strided windows on memory
device.py     where a tensor lives
generator.py  PyTorch's random stream;  draw.py  samples of each distribution from it
box_muller.py, box_muller_kernel.py, rejection.py, fused.py  the arithmetic of those samples, to the last bit
orthogonal.py Q of a QR decomposition
May import: numpy, the standard library; nothing else of the engine.
"""
