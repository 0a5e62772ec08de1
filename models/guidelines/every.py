"""All guidelines that a report answers to."""

from __future__ import annotations

from models.guidelines.hti_1 import HTI_1
from models.guidelines.stard import STARD
from models.guidelines.tripod_ai import TRIPOD_AI

EVERY_GUIDELINE = (TRIPOD_AI, STARD, HTI_1)
