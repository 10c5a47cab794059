"""Recurrent programs and what goes with them."""

from __future__ import annotations

from typing import Any

Program = tuple[Any, list]


def rnn_by_hand(torch: Any) -> Program:
    nn = torch.nn
    i2h, h2o = nn.Linear(7, 4), nn.Linear(4, 3)
    hidden = torch.zeros(1, 4)
    for _ in range(3):
        hidden = torch.tanh(i2h(torch.cat((torch.randn(1, 3), hidden), 1)))
    loss = nn.functional.nll_loss(torch.log_softmax(h2o(hidden), 1), torch.tensor([1]))
    return loss, [*i2h.parameters(), *h2o.parameters()]


def recurrent_cells(torch: Any) -> Program:
    nn = torch.nn
    a, b, c = nn.RNNCell(3, 4, nonlinearity="relu"), nn.LSTMCell(4, 4), nn.GRUCell(4, 4)
    x = torch.randn(2, 3)
    h, s, g = torch.zeros(2, 4), (torch.zeros(2, 4), torch.zeros(2, 4)), torch.zeros(2, 4)
    for _ in range(2):
        h = a(x, h)
        s = b(h, s)
        g = c(s[0], g)
    return g.sum(), [*a.parameters(), *b.parameters(), *c.parameters()]


def rnn_of_two_layers(torch: Any) -> Program:
    m = torch.nn.RNN(3, 4, num_layers=2)
    out, h = m(torch.randn(3, 2, 3))
    return out.sum() + h.pow(2).sum(), list(m.parameters())


def lstm_both_ways(torch: Any) -> Program:
    m = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    out, (h, c) = m(torch.randn(2, 3, 3))
    return out[:, -1].sum() + c.mean() + h[0].sum(), list(m.parameters())


def lstm_with_projection_and_dropout(torch: Any) -> Program:
    m = torch.nn.LSTM(3, 5, num_layers=2, proj_size=2, dropout=0.3)
    out, _ = m(torch.randn(3, 2, 3))
    return out.sum(), list(m.parameters())


def gru_layer(torch: Any) -> Program:
    m = torch.nn.GRU(3, 4, bias=False)
    x = torch.randn(4, 2, 3, requires_grad=True)
    out, h = m(x, torch.zeros(1, 2, 4))
    return out.mean() + h.sum(), [x, *m.parameters()]


def packed_sequence(torch: Any) -> Program:
    nn = torch.nn
    rnn = nn.utils.rnn
    embed, m = nn.Embedding(9, 3), nn.LSTM(3, 4)
    rows = [torch.tensor([1, 2, 3]), torch.tensor([4, 5]), torch.tensor([6])]
    x = embed(rnn.pad_sequence(rows))
    packed = rnn.pack_padded_sequence(x, torch.tensor([3, 2, 1]))
    out, (h, _) = m(packed)
    padded, _ = rnn.pad_packed_sequence(out)
    return padded.sum() + h.sum(), [*embed.parameters(), *m.parameters()]


def packed_gru_out_of_order(torch: Any) -> Program:
    nn = torch.nn
    rnn = nn.utils.rnn
    m = nn.GRU(2, 3, batch_first=True)
    x = torch.randn(3, 4, 2, requires_grad=True)
    packed = rnn.pack_padded_sequence(x, [2, 4, 1], batch_first=True, enforce_sorted=False)
    out, h = m(packed)
    padded, _ = rnn.pad_packed_sequence(out, batch_first=True)
    return padded.sum() + h.sum(), [x, *m.parameters()]


def language_model(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    embed, m, out = nn.Embedding(11, 6, padding_idx=0), nn.LSTM(6, 6), nn.Linear(6, 11)
    out.weight = embed.weight
    x, _ = m(F.dropout(embed(torch.randint(0, 11, (4, 2))), 0.2))
    logits = out(x).view(-1, 11)
    loss = F.cross_entropy(logits, torch.randint(0, 11, (8,)))
    return loss, [embed.weight, *m.parameters(), out.bias]


def connectionist_temporal_classification(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Linear(4, 6)
    log_probs = m(torch.randn(10, 2, 4)).log_softmax(2)
    targets = torch.tensor([[1, 2, 3], [2, 4, 0]])
    loss = nn.CTCLoss()(log_probs, targets, torch.tensor([10, 9]), torch.tensor([3, 2]))
    return loss, list(m.parameters())


def embedding_bags(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    a, b = nn.EmbeddingBag(10, 3), nn.EmbeddingBag(10, 3, mode="sum")
    c, d = nn.EmbeddingBag(10, 3, mode="max"), nn.Embedding(10, 3, max_norm=1.0)
    text, offsets = torch.tensor([1, 2, 4, 5, 4, 3]), torch.tensor([0, 4])
    y = a(text, offsets) + b(text.view(2, 3)) + c(text, offsets)
    y = y + d(torch.tensor([1, 2])) + F.one_hot(torch.tensor([0, 2]), 3)
    return y.pow(2).sum(), [m.weight for m in (a, b, c, d)]


def text_convolution(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    embed, convs = nn.Embedding(9, 4), nn.ModuleList(nn.Conv2d(1, 2, (k, 4)) for k in (2, 3))
    x = embed(torch.randint(0, 9, (2, 6))).unsqueeze(1)
    maps = [F.relu(conv(x)).squeeze(3) for conv in convs]
    pooled = torch.cat([F.max_pool1d(m, m.size(2)).squeeze(2) for m in maps], 1)
    return pooled.sum(), [*embed.parameters(), *convs.parameters()]
