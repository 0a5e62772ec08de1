"""A model on disk: graph, manifest and card, whole or not at all."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from pydantic import ValidationError

from models import graph
from models.contained import reaching_out
from models.errors import BadBundle
from models.manifest import Files, Manifest, read
from models.spelling import spelled

GRAPH, MANIFEST, CARD = "model.onnx", "manifest.json", "CARD.md"


@dataclass(frozen=True)
class Bundle:
    """One opened model whose files agree: `digest` is the SHA-256 of its manifest, which holds all others."""

    folder: Path
    digest: str
    manifest: Manifest
    graph: bytes
    card: str

    @property
    def name(self) -> str:
        """Study and model, e.g. `covid/screen`."""
        return f"{self.manifest.study}/{self.manifest.model}"


def open_bundle(folder: str | Path, *, signers: Path | None = None) -> Bundle:
    """Open a bundle only if every digest agrees, graph and manifest say the same, and the graph holds all it needs.

    No byte of the three files can be another one unseen. Other files of the folder are not read, by us or by the
    runtime, which is handed bytes and never the folder; a bundle that is signed says what else there may be.
    Where there are `signers`, one of them has to have signed it (`models.signature`).

    Raises BadBundle naming the file and what disagrees, BadSigners if who may sign can not be read.
    """
    folder = Path(folder)
    text = _contents(folder / MANIFEST)
    document = read(text, file=MANIFEST)
    if set(document.files) != {GRAPH, CARD}:
        raise BadBundle(f"{MANIFEST}: files: should name {GRAPH} and {CARD}, got {', '.join(sorted(document.files))}.")
    contents = {name: _contents(folder / name) for name in document.files}
    for name, digest in document.files.items():
        if sha256(contents[name]) != digest:
            raise BadBundle(f"{folder / name}: should have SHA-256 {digest}, got {sha256(contents[name])}.")
    _check_agree(contents[GRAPH], text, document, folder)
    digest = sha256(text)
    if signers is not None:
        from models.signature import check_signed  # noqa: PLC0415  # with it comes a library of its own

        check_signed(folder, digest, signers)
    return Bundle(folder, digest, document.manifest, contents[GRAPH], contents[CARD].decode())


def write_bundle(folder: str | Path, *, model: onnx.ModelProto, manifest: Manifest, card: str) -> Bundle:
    """Write a bundle so that a reader sees the old one or the new one, never a mix, and open it again.

    The manifest goes into the metadata of the graph too. Another folder of the same name is replaced.
    """
    folder = Path(folder)
    if graph.defaults(model)["threshold"] != manifest.point.threshold:
        raise BadBundle(f"{GRAPH}: threshold: should be the manifest's {manifest.point.threshold}.")
    contents = {
        GRAPH: graph.as_bytes(graph.bake(model, manifest=manifest.model_dump_json())),
        CARD: card.encode(),
    }
    document = Files(manifest=manifest, files={name: sha256(data) for name, data in contents.items()})
    contents[MANIFEST] = spelled(manifest.model_dump_json(), document.files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(beside, contents)
        opened = open_bundle(beside)
        _swap(beside, folder)
    finally:
        # After the swap this is the old bundle; after a failure, the unfinished one.
        shutil.rmtree(beside, ignore_errors=True)
    return Bundle(folder, opened.digest, opened.manifest, opened.graph, opened.card)


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _contents(file: Path) -> bytes:
    try:
        there = file.resolve(strict=True)
        if not there.is_relative_to(file.parent.resolve()):
            raise BadBundle(f"{file}: should lie in the folder of the bundle, got a link to {there}.")
        # What is no file, such as a pipe, may never end.
        if not there.is_file() and not there.is_dir():
            raise BadBundle(f"{file}: should be a readable file, got something else of that name.")
        return there.read_bytes()
    except (OSError, RuntimeError) as error:
        said = getattr(error, "strerror", None) or error
        raise BadBundle(f"{file}: should be a readable file, got: {said}.") from None


def _check_agree(model: bytes, text: bytes, document: Files, folder: Path) -> None:
    """Refuse a graph that says other than the manifest, or does not hold all that it needs."""
    file, manifest = folder / GRAPH, document.manifest
    try:
        parsed = onnx.load_model_from_string(model)
    except Exception as error:  # noqa: BLE001  # protobuf's own kinds are not part of its interface
        raise BadBundle(f"{file}: should be an ONNX model, got: {error}.") from None
    for refusal in reaching_out(parsed):
        raise BadBundle(f"{file}: {refusal}")
    _check_said(graph.metadata(parsed).get(graph.METADATA_KEY, ""), text, document, folder)
    baked = graph.defaults(parsed)
    for name, want in (
        ("threshold", manifest.point.threshold),
        ("clear_below", manifest.point.clear_below if manifest.point.has_zone else graph.NO_ZONE),
        ("prevalence", graph.float32(manifest.prevalence)),
    ):
        # A graph of the first format has no zone, and its manifest none either.
        if baked.get(name, graph.NO_ZONE) != want:
            raise BadBundle(f"{file}: {name}: should be the manifest's {want}, got {baked.get(name)}.")


def _check_said(said: str, text: bytes, document: Files, folder: Path) -> None:
    """Refuse a manifest that is another than the metadata of the graph hold, or says the same in other bytes.

    A space more, or a digit that changes no number, would else be a manifest of another digest.
    """
    wanted = spelled(said, document.files)
    # Of the same bytes the values are the same too, if they are JSON by themselves and not only within others.
    if text == wanted and _is_json(said):
        return
    if not _says(said, document.manifest):
        rule = f"metadata: should hold the manifest of {MANIFEST}, got another one or none"
        raise BadBundle(f"{folder / GRAPH}: {rule}.")
    pairs = enumerate(zip(text, wanted, strict=False))
    place = next((place for place, (one, other) in pairs if one != other), min(len(text), len(wanted)))
    rule = f"should be to the byte what the metadata of {GRAPH} says"
    raise BadBundle(f"{folder / MANIFEST}: {rule}, got another spelling at byte {place}.")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _says(text: str, manifest: Manifest) -> bool:
    """Whether a text is this manifest: by its values, for an older bundle does not spell out later defaults."""
    try:
        return Manifest.model_validate_json(text) == manifest
    except ValidationError:
        return False


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.chmod(0o755)
    for name, data in contents.items():
        with (folder / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _swap(fresh: Path, folder: Path) -> None:
    """Put `fresh` where `folder` is; what was there, if anything, is then where `fresh` was."""
    if not folder.exists():
        fresh.rename(folder)
        return
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        exchange = None
    at_working_folder, exchange_both = -100, 2  # AT_FDCWD and RENAME_EXCHANGE, of Linux
    if exchange and exchange(at_working_folder, bytes(fresh), at_working_folder, bytes(folder), exchange_both) == 0:
        return
    # Elsewhere two renames: between them there is no bundle, which a reader is told, but never a mixed one.
    aside = fresh.with_name(f"{fresh.name}.old")
    folder.rename(aside)
    fresh.rename(folder)
    aside.rename(fresh)
