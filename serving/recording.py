"""Whether a service keeps a log of its decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving.settings import Settings

if TYPE_CHECKING:
    from serving.decisions.recorder import Recorder


def recorder_of(settings: Settings) -> Recorder | None:
    """What writes the log that the settings ask for; None where they ask for none."""
    if settings.decisions is None:
        return None
    from serving.decisions.log import Log  # noqa: PLC0415  # many services keep none, and it needs locks of Unix
    from serving.decisions.recorder import Recorder  # noqa: PLC0415

    log = Log(settings.decisions, most_bytes=settings.log_bytes, sync=settings.log_sync)
    return Recorder(log, inputs=settings.log_inputs)
