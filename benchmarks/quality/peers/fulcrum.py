"""What this project makes of the table."""

from __future__ import annotations

from benchmarks.quality.ours import peer

__all__ = ["peer"]
