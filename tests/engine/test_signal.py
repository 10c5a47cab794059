"""Short-time Fourier transforms and histograms, by hand calculation and by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import engine as torch

X = np.sin(np.arange(40) * 0.7) + np.arange(40) / 50


def test_stft_is_the_fourier_transform_of_each_windowed_stretch():
    w = np.hanning(9)[:8]
    y = torch.stft(torch.tensor(X), 8, 3, window=torch.tensor(w), center=False, return_complex=True)
    assert tuple(y.shape) == (5, 11)
    assert np.allclose(y[:, 4].numpy(), np.fft.rfft(X[12:20] * w))


def test_centred_stft_mirrors_the_ends():
    y = torch.stft(torch.tensor(X), 8, 2, window=torch.ones(8, dtype=torch.float64), return_complex=True)
    assert np.allclose(y[:, 0].numpy(), np.fft.rfft(np.concatenate([X[4:0:-1], X[:4]])))


def test_istft_undoes_stft():
    w = torch.hann_window(8, dtype=torch.float64)
    y = torch.stft(torch.tensor(X), 8, 2, window=w, normalized=True, return_complex=True)
    assert np.allclose(torch.istft(y, 8, 2, window=w, normalized=True, length=40).numpy(), X)


def test_stft_says_what_does_not_fit():
    t = torch.tensor(X)
    with pytest.raises(RuntimeError, match="requires the return_complex parameter"):
        torch.stft(t, 8, window=torch.ones(8))
    with pytest.raises(RuntimeError, match=r"torch.DoubleTensor\[40\], n_fft=50.*expected 0 < n_fft < 40"):
        torch.stft(t, 50, window=torch.ones(50), center=False, return_complex=True)
    w = torch.ones(8, dtype=torch.float64)
    y = torch.stft(t, 8, window=w, return_complex=True)
    with pytest.raises(RuntimeError, match="window overlap add min"):
        torch.istft(y, 8, window=w * 0)


def test_histogram_counts_the_last_edge_in():
    h, edges = torch.histogram(torch.tensor([0.0, 0.5, 1.0, 2.0, 2.0, 3.0]), bins=2, range=(0.0, 2.0))
    assert h.tolist() == [2, 3] and edges.tolist() == [0, 1, 2]


def test_histogram_weighs_and_norms():
    t, w = torch.tensor([0.1, 0.2, 1.5]), torch.tensor([1.0, 2.0, 4.0])
    h, _ = torch.histogram(t, torch.tensor([0.0, 1.0, 3.0]), weight=w)
    assert h.tolist() == [3, 4]
    h, _ = torch.histogram(t, torch.tensor([0.0, 1.0, 3.0]), density=True)
    assert np.allclose(h.numpy(), [2 / 3, 1 / 6])


def test_histogramdd_counts_points():
    points = torch.tensor([[0.1, 0.1], [0.1, 0.9], [0.9, 0.9], [0.8, 0.7]])
    h, edges = torch.histogramdd(points, [2, 2], range=[0.0, 1.0, 0.0, 1.0])
    assert h.tolist() == [[1, 1], [0, 2]]
    assert [e.tolist() for e in edges] == [[0, 0.5, 1]] * 2
    with pytest.raises(RuntimeError, match="size of bins must be equal to the innermost dimension"):
        torch.histogramdd(points, [2, 2, 2])


def test_windows_are_the_curves_of_their_names():
    assert torch.hann_window(4).tolist() == pytest.approx([0, 0.5, 1, 0.5], abs=1e-6)
    assert torch.bartlett_window(5, periodic=False).tolist() == [0, 0.5, 1, 0.5, 0]
    assert torch.hamming_window(3, False).tolist() == pytest.approx([0.08, 1, 0.08])
    assert np.allclose(torch.kaiser_window(7, False, beta=3.0).numpy(), np.kaiser(7, 3.0), atol=1e-6)
    assert np.allclose(torch.blackman_window(9, False).numpy(), np.blackman(9), atol=1e-6)
    assert torch.hann_window(0).tolist() == [] and torch.hann_window(1).tolist() == [1]
