"""Load by `wrk`, one thread, over connections that are kept, with 64 different bodies."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BODIES = 64
SCRIPT = """
local bodies = {}
for place = 1, %d do
  local file = io.open(string.format("%s/body-%%d", place), "rb")
  bodies[place] = file:read("*all")
  file:close()
end
local turn = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "%s"
request = function()
  turn = turn %% #bodies + 1
  return wrk.format(nil, "%s", nil, bodies[turn])
end
done = function(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("\\nTOLD %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99)))
end
"""
TOLD = re.compile(rb"TOLD (\d+) (\d+) (\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class Load:
    """What a load came to; seconds are of one request, at the median and the 99th percentile."""

    requests: int
    seconds: float
    failed: int
    median: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def there() -> bool:
    """Whether there is a `wrk` on this machine."""
    return shutil.which("wrk") is not None


def drive(
    url: str,
    path: str,
    bodies: list[bytes],
    folder: Path,
    *,
    connections: int,
    seconds: float,
    kind: str = "application/json",
) -> Load:
    """Ask over and over for some seconds, with each body in turn."""
    for place, body in enumerate(bodies, 1):
        (folder / f"body-{place}").write_bytes(body)
    script = folder / "load.lua"
    script.write_text(SCRIPT % (len(bodies), folder, kind, path))
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds:.0f}s",
        "--timeout",
        "30s",
        "--latency",
        "-s",
        str(script),
        url,
    ]
    said = subprocess.run(command, capture_output=True, check=True, timeout=seconds + 60).stdout
    found = TOLD.search(said)
    if found is None:
        raise RuntimeError(f"wrk said nothing that can be read: {said!r}")
    requests, micros, failed, median, p99 = map(int, found.groups())
    return Load(requests, micros / 1e6, failed, median / 1e6, p99 / 1e6)
