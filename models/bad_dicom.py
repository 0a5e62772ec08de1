"""What is wrong with a DICOM file, in words of ours alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class BadDicom(ValueError):
    """Send another file: the text says what this one is instead of a DICOM photograph that can be read."""


@contextmanager
def named() -> Iterator[None]:
    """Whatever goes wrong is BadDicom, and none of pydicom's words are in it: they quote the file."""
    _hush()
    try:
        yield
    except BadDicom:
        raise
    except Exception:  # noqa: BLE001  # a decoder may trip over damaged bytes in any way
        raise BadDicom("a damaged or truncated DICOM file") from None


def _hush() -> None:
    """Keep pydicom silent: it warns of what it meets, and logs it, with the values, which may be a patient's.

    This holds for the whole process: warnings can not be kept back for one thread alone.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
