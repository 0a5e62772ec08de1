"""What the service is told by its environment, read once, at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError

import models
from models.errors import FulcrumError, shown
from models.schema import Schema
from models.value import Value

# Where a program of a user keeps what should outlive it.
STATE = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fulcrum"
SHIPPED = Path(models.__file__).parent / "covid"


AnyValue = TypeVar("AnyValue", bound=Value)


class BadSetting(FulcrumError):
    """Correct the environment variable: the service does not start on a guess."""


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("is not a folder")
    return path


def _writable(path: Path) -> Path:
    if not os.access(_folder(path), os.W_OK | os.X_OK):
        raise ValueError("can not be written to")
    return path


def _there(path: Path | None) -> Path | None:
    if path is not None and not path.exists():
        raise ValueError("is not there")
    return path


class Settings(Value):
    """Settings of the service, each under the name of its environment variable."""

    bundles: Annotated[Path, AfterValidator(_folder)] = Field(
        SHIPPED,
        alias="FULCRUM_BUNDLES",
        description="should be the folder that holds the models screen and presurgical",
    )
    max_rows: int = Field(
        10_000, alias="FULCRUM_MAX_ROWS", ge=1, description="should be the most rows of one request, at least 1"
    )
    max_photographs: int = Field(
        16,
        alias="FULCRUM_MAX_PHOTOGRAPHS",
        ge=1,
        description="should be the most rows of one request where each has a photograph, at least 1",
    )
    store: str = Field(
        default_factory=lambda: f"sqlite:///{STATE / 'changes.sqlite'}",
        alias="FULCRUM_STORE",
        description="should be where changes of the operating point are kept, sqlite:///FILE or postgresql+psycopg://...",
    )
    access: Path | None = Field(
        None, alias="FULCRUM_ACCESS", description="should be the access file that says who may turn the operating point"
    )
    rate: float | None = Field(
        None,
        alias="FULCRUM_RATE",
        gt=0,
        description="should be the most requests a second, to each worker, of a person without a rate, above 0",
    )
    max_bytes: int = Field(
        8_000_000, alias="FULCRUM_MAX_BYTES", ge=1, description="should be the most bytes of one request, at least 1"
    )

    max_seconds: float = Field(
        30.0,
        alias="FULCRUM_MAX_SECONDS",
        gt=0,
        description="should be the most seconds until a request has arrived, above 0",
    )
    max_connections: int = Field(
        1000,
        alias="FULCRUM_MAX_CONNECTIONS",
        ge=1,
        description="should be the most connections to a worker at once, at least 1",
    )
    releases: Annotated[Path | None, AfterValidator(lambda path: path and _folder(path))] = Field(
        None,
        alias="FULCRUM_RELEASES",
        description="should be the folder with further bundles, one sub-folder each, that may be swapped in",
    )
    signers: Annotated[Path | None, AfterValidator(_there)] = Field(
        None,
        alias="FULCRUM_SIGNERS",
        description="should be the public key or the certificate of who may sign a bundle, or a folder of them",
    )
    max_wait: float = Field(
        0.5,
        alias="FULCRUM_MAX_WAIT",
        gt=0,
        description="should be the most seconds that a request may wait for others before it, above 0",
    )
    drain_seconds: float = Field(
        1.0,
        alias="FULCRUM_DRAIN_SECONDS",
        ge=0,
        description="should be the seconds from SIGTERM until nobody is let in any more, at least 0",
    )
    decisions: Annotated[Path, AfterValidator(_writable)] | None = Field(
        None,
        alias="FULCRUM_DECISIONS",
        description="should be a folder that is there and can be written to, for the log of decisions",
    )
    log_bytes: int = Field(
        100_000_000,
        alias="FULCRUM_LOG_BYTES",
        ge=1,
        description="should be the bytes at which a file of the log of decisions is followed by another, at least 1",
    )
    log_inputs: bool = Field(
        default=False,
        alias="FULCRUM_LOG_INPUTS",
        description="should be 1 if the log of decisions holds what was decided on, else 0",
    )
    log_sync: bool = Field(
        default=False,
        alias="FULCRUM_LOG_SYNC",
        description="should be 1 if a decision is answered only when it is on the disk, else 0",
    )

    def most_rows(self, schema: Schema) -> int:
        """The most rows of one request for a model: fewer where each has a photograph, however small its file."""
        return min(self.max_rows, self.max_photographs) if schema.image else self.max_rows


def read(environment: Mapping[str, str]) -> Settings:
    """The settings as given by environment variables, with the default of each that is not set.

    Raises BadSetting naming each variable, what it should be and what was got.

    >>> read({"FULCRUM_BUNDLES": ".", "FULCRUM_MAX_ROWS": "many"})
    Traceback (most recent call last):
    serving.settings.BadSetting: FULCRUM_MAX_ROWS: should be the most rows of one request, at least 1, got 'many'.
    """
    return told(Settings, environment)


def told(kind: type[AnyValue], environment: Mapping[str, str]) -> AnyValue:
    """The same for any values that have the names of environment variables.

    Raises BadSetting.
    """
    fields = {str(field.alias): field for field in kind.model_fields.values()}
    # Defaults are given like all else, so that they are checked too.
    given = {
        name: environment[name] if name in environment else field.get_default(call_default_factory=True)
        for name, field in fields.items()
    }
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        bad = {str(detail["loc"][0]): detail["input"] for detail in error.errors()}
        lines = [f"{name}: {fields[name].description}, got {_text(got)}." for name, got in bad.items()]
        raise BadSetting("\n".join(lines)) from None


def _text(got: object) -> str:
    return str(got) if isinstance(got, Path) else shown(got)
