"""A shape of network, as a study names it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.schema import Schema
from models.value import Member
from training.encoder import ImageEncoder
from training.encoding import Encoding
from training.net import EMBEDDING, IMAGE, INPUTS, NUMBERS, Net, below
from training.numbers_embedding import NumbersEmbedding


class Network(Member):
    """A shape of network. Members name the layers between the inputs and the embedding.

    Measured numbers may be embedded first (`numbers`), and a photograph be looked at (`image`): columns and image
    are joined below the first layer.
    """

    numbers: NumbersEmbedding | None = None
    image: ImageEncoder | None = None

    @property
    def members(self) -> int:
        """How many networks learn side by side in this one."""
        return 1

    @abstractmethod
    def layers(self, width: int) -> list[tuple[str, nn.Module, int]]:
        """Name, module and width of each layer, in order, for rows of `width` numbers."""

    def build(self, schema: Schema, columns: NDArray[np.float32], heads: Mapping[str, int]) -> Net:
        """A network with fresh weights, its encoding learnt from training columns float32 [rows, columns].

        `heads` says how many numbers a row each head gives.

        Raises NoData if the weights an image encoder starts from are not there.
        """
        encoding = Encoding(schema, columns)
        with torch.no_grad():
            encoded = encoding(torch.from_numpy(columns))
        numbers = self.numbers.build(encoded, encoding.measured) if self.numbers and encoding.measured else None
        eye = self.image.build(schema.image.height, schema.image.width) if self.image and schema.image else None
        layers = self.layers(below(encoding, numbers, eye))
        return Net(encoding, layers, heads, numbers=numbers, eye=eye, members=self.members)

    def tap_names(self) -> tuple[str, ...]:
        """The taps below the heads, in order."""
        first = [NUMBERS] * (self.numbers is not None) + [IMAGE] * (self.image is not None)
        return (INPUTS, *first, *(name for name, _, _ in self.layers(1)), EMBEDDING)
