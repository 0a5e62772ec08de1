"""AutoGluon asked for its best quality, which uses all the time that Fulcrum took: bags of models, and stacks of them."""

from __future__ import annotations

from benchmarks.quality.peers.autogluon import AutoGluon

peer = AutoGluon("AutoGluon, best quality", "best_quality")
