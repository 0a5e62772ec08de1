"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# Tests run side by side, one process a core: torch's threads would wait for each other by spinning, at three times the
# work. Set before torch is loaded, and for every process that a test starts. Training itself is always on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test fails for being slow on a busy machine; where many machines run them, all try the same cases.
settings.register_profile("fulcrum", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("fulcrum")
