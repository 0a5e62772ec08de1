"""`make audit-packages`: is anything of the lock known to be vulnerable? Not having been told is not a "no"."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from supply.lock import LOCK

SOUND, VULNERABLE, NOT_TOLD = 0, 1, 3


def judged(said: str) -> tuple[int, str]:
    """The exit code, and what to say, for what pip-audit wrote as JSON.

    pip-audit ends with 0 where it could ask about no package at all; here that is an exit code of its own.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return NOT_TOLD, "The service of vulnerabilities could not be reached: nothing is known of any package."
    bad = [
        f"{each['name']} {each['version']}: {', '.join(found['id'] for found in each['vulns'])}"
        for each in packages
        if each.get("vulns")
    ]
    silent = [each["name"] for each in packages if "skip_reason" in each]
    lines = [*bad, *([f"Nothing was told of {len(silent)} of {len(packages)}: {', '.join(silent)}."] if silent else [])]
    if bad:
        return VULNERABLE, "\n".join(lines)
    if silent or not packages:
        return NOT_TOLD, "\n".join(lines) or "No package was asked about."
    return SOUND, f"None of {len(packages)} packages is known to be vulnerable."


def main() -> None:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip"]
    done = subprocess.run(
        [*command, "--progress-spinner", "off", "--format", "json"], capture_output=True, text=True, check=False
    )
    code, text = judged(done.stdout)
    sys.stdout.write(f"{text}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
