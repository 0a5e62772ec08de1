"""A disk of its own for a fault, of few bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LeftOut(Exception):
    """Why this machine can not have the fault."""


@contextmanager
def small_disk(disk: Path, size: int) -> Iterator[Path]:
    """An empty disk of so many bytes, mounted at a folder that is made for it and gone in the end.

    Raises LeftOut if this machine does not let it be mounted.
    """
    disk.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise LeftOut(done.stderr.decode().strip())
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)
    finally:
        disk.rmdir()


def remount(disk: Path, *options: str) -> None:
    """Mount it anew as it is, with other options: `ro`, `rw`, `size=1000000`."""
    subprocess.run(["mount", "-o", ",".join(["remount", *options]), disk], check=True)
