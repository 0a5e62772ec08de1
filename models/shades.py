"""Greys as a DICOM file stores them -> shades from black to white."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.bad_dicom import BadDicom
from models.value import Value

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Beyond this no number of a picture lies.
FAR = 1e12
Reached = Annotated[float, Field(ge=-FAR, le=FAR)]


class Greys(Value):
    """How the stored numbers of a grey picture are seen.

    With a window they go through the rescale and the window to black and white, else the upper 8 of their bits are
    kept, as of a PNG of 16 bits.

    Source: DICOM PS3.3, C.11.1 and C.11.2.
    """

    bits: int = Field(ge=8, le=16, description="that are stored")
    signed: bool
    inverse: bool = Field(description="whether the lowest number is white: MONOCHROME1")
    slope: float = Field(1.0, ge=-FAR, le=FAR)
    intercept: float = Field(0.0, ge=-FAR, le=FAR)
    window: tuple[Reached, Reached] | None = Field(None, description="centre and width, of the rescaled numbers")
    function: str = "LINEAR"

    @classmethod
    def of(cls, found: Dataset, bits: int, *, signed: bool) -> Self:
        """What the elements of a file say.

        Raises BadDicom where they ask for a table, or for what can not be.
        """
        windowed = found.get("WindowCenter") is not None and found.get("WindowWidth") is not None
        if found.get("ModalityLUTSequence") or (found.get("VOILUTSequence") and not windowed):
            raise BadDicom("a DICOM file whose greys are seen through a lookup table")
        told: dict[str, Any] = {}
        if found.get("RescaleSlope") is not None and found.get("RescaleIntercept") is not None:
            told = {"slope": float(found.RescaleSlope), "intercept": float(found.RescaleIntercept)}
        if windowed:
            # There may be several, of which the first is the one to begin with.
            told["window"] = (_first(found.WindowCenter), _first(found.WindowWidth))
            told["function"] = str(found.get("VOILUTFunction") or "LINEAR")
        inverse = found.PhotometricInterpretation == "MONOCHROME1"
        made = cls(bits=bits, signed=signed, inverse=inverse, **told)
        least = LEAST.get(made.function)
        if made.slope == 0 or least is None or (made.window is not None and not least(made.window[1])):
            raise BadDicom("a DICOM file whose rescale or window means nothing")
        return made

    def table(self) -> NDArray[np.uint8]:
        """The shade of each number by its bits, those of a negative one read without a sign: uint8 [2 ** bits]."""
        lowest = -(1 << (self.bits - 1)) if self.signed else 0
        places = np.arange(1 << self.bits)
        if self.window is None:
            shades = places >> (self.bits - 8)
            turned = self.inverse != (self.slope < 0)
        else:
            with np.errstate(over="ignore"):
                numbers = np.asarray((places + lowest) * self.slope + self.intercept, np.float64)
                seen = self._seen(numbers, *self.window)
            shades = np.rint(255 * seen).astype(np.int64)
            turned = self.inverse
        return np.roll(255 - shades if turned else shades, lowest).astype(np.uint8)

    def _seen(self, numbers: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
        """How bright numbers are, from 0 to 1."""
        if self.function == "SIGMOID":
            return np.asarray(1 / (1 + np.exp(-4 * (numbers - centre) / width)))
        if self.function == "LINEAR":
            centre, width = centre - 0.5, width - 1
        if width == 0:
            return (numbers > centre).astype(np.float64)
        return np.clip((numbers - centre) / width + 0.5, 0, 1)


# How wide a window has to be.
LEAST: Mapping[str, Callable[[float], bool]] = {
    "LINEAR": lambda width: width >= 1,
    "LINEAR_EXACT": lambda width: width > 0,
    "SIGMOID": lambda width: width > 0,
}


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float, str)) else value[0])
