"""What scores here: another runtime, or another processor, may round another way."""

from __future__ import annotations

import platform

import onnxruntime


def runtime() -> str:
    """It in words, as it stands in the header of a log."""
    return f"onnxruntime {onnxruntime.__version__}, {platform.system()} {platform.machine()}"
