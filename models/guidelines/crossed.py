"""What answers to guidelines say where cases that taught are certified on, by copies that never saw them."""

from __future__ import annotations

CROSSED = "By cross-fitting: every case taught, and is certified on by copies of the model that never saw it."
COUNTED_CROSSED = "By cross-fitting the certification cases are among those of training: parts do not add up."
FLOW_CROSSED = "Cases that taught and were certified on are told; those left out before are not counted."
