"""Five TabM models and their out-of-fold scores."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.network import copies, fit
from benchmarks.quality.peer import CrossFitted

peer = CrossFitted("TabM, cross-fitted", partial(fit, build=copies))
