"""What a job did, with what, and how its files can be known again; it is kept beside the result."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from models.manifest import Digest
from models.operating_point import Certificate
from models.value import Value
from serving.batch.order import Source
from serving.batch.place import Blake3
from serving.counts import Counts, PathwayCounts


class ModelRun(Value):
    """One model: where it worked, what is certified there, and how it decided."""

    model: str = Field(description="study and model")
    bundle: Digest = Field(description="SHA-256 of the manifest of the bundle that scored")
    threshold: float = Field(description="rows whose probability is not below it are positive")
    prevalence: float = Field(description="at which the probabilities are stated")
    clear_below: float = Field(description="rows whose probability is below it are negative; between, undecided")
    certificates: tuple[Certificate, ...] = Field(
        description="what is certified there; nothing for a threshold by hand"
    )
    counts: Counts


class Output(Value):
    """A file of the result."""

    path: str
    blake3: Blake3
    size: int = Field(ge=0, description="bytes")
    rows: int = Field(ge=0, description="scored rows in it")


class Run(Value):
    """A job that is done. Every row that was read is in the result or among the refused."""

    sources: tuple[Source, ...]
    target: str
    outputs: tuple[Output, ...]
    refused: str | None = Field(description="the refusals; null if no row was refused")
    manifest: str = Field(description="where this is kept")
    keep: tuple[str, ...] | None = Field(description="columns that were carried along; null for all")
    strict: bool
    models: tuple[ModelRun, ...] = Field(min_length=1)
    pathway: PathwayCounts | None = Field(description="what becomes of people by both models; null for one")

    @property
    def counts(self) -> Counts:
        """Those of the first model: all rows read, and all refused."""
        return self.models[0].counts

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        rows = sum(output.rows for output in self.outputs)
        for model in self.models:
            if model.counts.read != rows + model.counts.refused:
                raise ValueError(
                    f"{model.model}: counts.read should be the rows of the result and those refused together,"
                    f" {rows + model.counts.refused}, got {model.counts.read}"
                )
        return self
