"""The networks among the peers: how they are built of an encoded table, and trained until nothing gets better."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
from tabm import TabM
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.quality.early import apart
from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.splits import Rows

# Logits and targets of one shape, and the share of the sick -> a number a row and copy.
Loss = Callable[[Tensor, Tensor, float], Tensor]
HIDDEN, DROPOUT = 128, 0.1
COPIES, WIDTH = 16, 96
MOST_BINS, ROWS_A_BIN = 32, 30
ROWS_A_CALL = 8192
BETTER = 1e-5


def cross_entropy(logits: Tensor, targets: Tensor, share: float) -> Tensor:
    """The plain loss."""
    del share
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def misses_cost_ten(logits: Tensor, targets: Tensor, share: float) -> Tensor:
    """Cross-entropy in which a sick row counts ten times, scaled so that a row counts one on average."""
    weight = (1 + 9 * targets) / (1 + 9 * share)
    return weight * functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def asymmetric(logits: Tensor, targets: Tensor, share: float) -> Tensor:
    """Asymmetric loss with its authors' settings: focusing 1 and 4, margin 0.05.

    Source: Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021.
    """
    del share
    probability = torch.sigmoid(logits)
    shifted = (probability - 0.05).clamp(min=0)
    of_sick = (1 - probability) * functional.logsigmoid(logits)
    of_healthy = shifted**4 * torch.log((1 - shifted).clamp(min=1e-8))
    return -2 * (targets * of_sick + (1 - targets) * of_healthy)


class Plain(nn.Module):
    """A perceptron of two layers on the dense encoding, its numbers embedded piecewise linearly if there are bins."""

    def __init__(self, encoded: Encoded, bins: list[Tensor] | None) -> None:
        super().__init__()
        self.numbers = encoded.numbers.shape[1]
        rest = encoded.dense.shape[1] - self.numbers
        self.embed = PiecewiseLinearEmbeddings(bins, 12, activation=False, version="B") if bins else None
        width = rest + self.numbers * (12 if bins else 1)
        self.layers = nn.Sequential(
            *(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT)),
            *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT)),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, dense: Tensor, codes: Tensor) -> Tensor:
        """Logits [rows, 1]."""
        del codes
        if self.embed is not None:
            embedded = self.embed(dense[:, : self.numbers]).flatten(1)
            dense = torch.cat([embedded, dense[:, self.numbers :]], dim=1)
        return self.layers(dense)


class Copies(nn.Module):
    """TabM: copies that share most of their weights, with piecewise linear embeddings.

    Source: Gorishniy, Kotelnikov & Babenko, "TabM", ICLR 2025; the authors' package.
    """

    def __init__(self, encoded: Encoded, bins: list[Tensor]) -> None:
        super().__init__()
        self.numbers = encoded.numbers.shape[1]
        self.model = TabM.make(
            n_num_features=self.numbers,
            cat_cardinalities=list(encoded.kinds),
            d_out=1,
            num_embeddings=PiecewiseLinearEmbeddings(bins, 8, activation=False, version="B"),
            n_blocks=2,
            d_block=WIDTH,
            dropout=DROPOUT,
            k=COPIES,
        )

    def forward(self, dense: Tensor, codes: Tensor) -> Tensor:
        """Logits [rows, copies]."""
        return self.model(dense[:, : self.numbers], codes if codes.shape[1] else None).squeeze(-1)


def perceptron(encoded: Encoded, rows: Rows) -> nn.Module:
    """A plain perceptron."""
    del rows
    return Plain(encoded, None)


def perceptron_with_bins(encoded: Encoded, rows: Rows) -> nn.Module:
    """A perceptron whose numbers are embedded."""
    return Plain(encoded, quantile_bins(encoded, rows))


def copies(encoded: Encoded, rows: Rows) -> nn.Module:
    """TabM."""
    return Copies(encoded, quantile_bins(encoded, rows))


def quantile_bins(encoded: Encoded, rows: Rows) -> list[Tensor]:
    """Edges of the bins of every number by what `rows` show; a number that never changes has one bin around it."""
    shown = torch.as_tensor(encoded.numbers[rows])
    count = int(min(MOST_BINS, max(2, len(rows) // ROWS_A_BIN)))
    changing = [place for place in range(shown.shape[1]) if len(shown[:, place].unique()) > 1]
    found = dict(zip(changing, compute_bins(shown[:, changing], n_bins=count), strict=True))
    return [
        found[place] if place in found else shown[0, place] + torch.tensor([-1.0, 1.0])
        for place in range(shown.shape[1])
    ]


def settings(rows: int) -> tuple[int, int, int, float]:
    """Batch, most epochs, patience in epochs, learning rate, for so many rows to learn from."""
    if rows > 20_000:
        return 1024, 12, 4, 3e-3
    if rows > 3_000:
        return 512, 80, 10, 3e-3
    if rows > 1_500:
        return 256, 120, 14, 2e-3
    return (64 if rows > 400 else 32), 120, 14, 1e-3


def fit(
    encoded: Encoded,
    rows: Rows,
    seed: int,
    *,
    build: Callable[[Encoded, Rows], nn.Module] = perceptron,
    loss: Loss = cross_entropy,
) -> Fitted:
    """AdamW until the loss on a held-out fifth has not fallen for some epochs; the best epoch is kept."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    learnt, judged = apart(encoded, rows, seed)
    net = build(encoded, learnt)
    dense, codes = torch.as_tensor(encoded.dense), torch.as_tensor(encoded.codes)
    sick = torch.as_tensor(encoded.sick, dtype=torch.float32)
    share = float(sick[learnt].mean())
    batch, epochs, patience, rate = settings(len(learnt))
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)

    def judge(part: Tensor) -> Tensor:
        logits = net(dense[part], codes[part])
        return loss(logits, sick[part][:, None].expand_as(logits), share).mean()

    shuffle = torch.Generator().manual_seed(seed)
    everybody, held = torch.as_tensor(learnt), torch.as_tensor(judged)
    best, best_state, since = float("inf"), copy.deepcopy(net.state_dict()), 0
    for _ in range(epochs):
        net.train()
        for part in everybody[torch.randperm(len(everybody), generator=shuffle)].split(batch):
            optimizer.zero_grad()
            judge(part).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            now = float(judge(held))
        if now < best - BETTER:
            best, best_state, since = now, copy.deepcopy(net.state_dict()), 0
        elif (since := since + 1) >= patience:
            break
    net.load_state_dict(best_state)
    net.eval()

    def score(asked: Rows) -> np.ndarray[Any, np.dtype[np.float64]]:
        with torch.no_grad():
            parts = torch.as_tensor(asked).split(ROWS_A_CALL)
            return (
                torch.cat([torch.sigmoid(net(dense[part], codes[part])).mean(dim=1) for part in parts]).double().numpy()
            )

    return Fitted.of(score, {name: weight.numpy() for name, weight in net.state_dict().items()})
