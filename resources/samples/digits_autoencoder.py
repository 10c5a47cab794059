# An autoencoder squeezes 64 pixels through 8 numbers and draws the digit again from them.
import torch
import torch.nn as nn

import digits

torch.manual_seed(0)
(x, _), (x_test, y_test) = digits.load()

encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 8))
decoder = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.005)

for epoch in range(20):
    for batch in x[torch.randperm(len(x))].split(50):
        code = encoder(batch)
        loss = nn.functional.mse_loss(decoder(code), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        print(f"epoch {epoch}: mean square error {loss.item():.4f}")

with torch.no_grad():
    codes = encoder(x_test[:4])
    drawn_again = decoder(codes)
for digit, before, code, after in zip(y_test, x_test, codes, drawn_again):
    print(f"\na {digit.item()}, then again from {[round(v, 1) for v in code.tolist()]}")
    for left, right in zip(digits.drawn(before), digits.drawn(after)):
        print(f"{left}   {right}")
