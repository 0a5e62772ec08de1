"""A perceptron trained with the asymmetric loss."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.network import asymmetric, fit
from benchmarks.quality.peer import HoldOut

peer = HoldOut("MLP, asymmetric loss", partial(fit, loss=asymmetric))
