from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from training.classes import as_classes, counted
from training.loss import Learning, Output, Target, same_rows
from training.reversal import reversed_gradient


class Adversary(Learning):
    """Makes an embedding forget a nuisance, such as the site or the device, by training against who reads it there.

    Takes embeddings [rows, width] and the nuisance as classes [rows]. Returns [rows], the cross-entropy of a small
    classifier, the companion, which learns to tell the nuisance from the embedding. Between the two the gradient
    is turned round: what goes down this value improves the classifier, and changes the embedding so that the
    classifier gets worse, `strength` times as fast. So the gradient with respect to the embedding is -`strength`
    times the slope of the value, on purpose; with respect to the classifier it is the slope. A value that rises
    to the entropy of the nuisance means that nothing of it can be read any more, by a classifier of this size.

    Source: Ganin & Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML 2015; Ganin et al.,
    "Domain-Adversarial Training of Neural Networks", JMLR 2016.

    >>> loss = Adversary(strength=0.5).companion(2)
    >>> embedding = torch.tensor([[1.0, 2.0]], requires_grad=True)
    >>> loss(embedding, torch.tensor([1.0])).sum().backward()
    >>> with torch.no_grad():  # one step down that gradient: the classifier is now more in the dark
    ...     worse = loss(embedding - 0.1 * embedding.grad, torch.tensor([1.0]))
    ...     bool(worse > loss(embedding, torch.tensor([1.0])))
    True
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "class"

    hidden: int = Field(16, ge=1, description="numbers in the classifier's one hidden layer")
    strength: float = Field(1.0, gt=0, description="of the pull on the embedding, beside the classifier's own")
    classes: int = Field(2, ge=2, description="there are; as many as the training part holds, once that is known")

    def told(self, targets: torch.Tensor) -> Self:
        return self.model_copy(update={"classes": counted(targets)})

    def companion(self, width: int) -> Classifier:
        return Classifier(width, self.hidden, self.classes, self.strength)


class Classifier(nn.Module):
    """Reads classes from embeddings, and is fought by them."""

    def __init__(self, width: int, hidden: int, classes: int, strength: float) -> None:
        super().__init__()
        self.width, self.classes, self.strength = width, classes, strength
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_rows(output, target, width=self.width)
        logits = self.layers(reversed_gradient(output, self.strength))
        return functional.cross_entropy(logits, as_classes(target, self.classes), reduction="none")
