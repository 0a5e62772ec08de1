"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# No test fails for being slow on a busy machine; where many machines run them, all try the same cases.
settings.register_profile("fulcrum", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("fulcrum")
