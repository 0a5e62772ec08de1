"""Who signed a bundle: signatures of OpenSSF model signing, checked offline against keys that are known here.

A digest says that nothing was altered, a signature who vouches for it. `model.sig` lies beside the files of the bundle,
in the format of Sigstore, and names the SHA-256 of every other file of the folder.

Source: https://github.com/ossf/model-signing-spec
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from models.errors import BadBundle

SIGNATURE = "model.sig"
EXTRA = "pip install 'fulcrum-screening[signing]'"
KEY, CERTIFICATE = b"-----BEGIN PUBLIC KEY-----", b"-----BEGIN CERTIFICATE-----"


class BadSigners(BadBundle):
    """Mend what is named: who may sign a bundle, or the key to sign with, can not be read."""


def check_signed(folder: Path, manifest: str, signers: Path) -> None:
    """Refuse a bundle that none of the `signers` signed, a PEM file or a folder of them; `manifest` is its SHA-256.

    Each file holds a public key, or certificates that a signature leads back to. The manifest that was signed has to be
    the one that was read; it covers the other files. What else lies in the folder has to be signed as well.

    Raises BadBundle naming the signature and why nobody's fits, BadSigners if who may sign can not be read.
    """
    files = _signers(signers)
    file = folder / SIGNATURE
    try:
        signed = file.read_bytes()
    except OSError as error:
        raise BadBundle(f"{file}: should be a signature of the bundle, got: {error.strerror or error}.") from None
    against = [(each.name, _against(each, folder, signed, manifest)) for each in files]
    if all(why for _, why in against):
        whys = "; ".join(f"{name}: {why}" for name, why in against)
        raise BadBundle(f"{file}: should be of the bundle, by one of {signers}, got another one ({whys}).")


def sign(folder: Path, key: Path, password: str | None = None) -> Path:
    """Sign a bundle with a private key on an elliptic curve, PEM, and say where the signature lies.

    Raises BadSigners if the key can not be used.
    """
    signing = _library("signing")
    file = folder / SIGNATURE
    try:
        signer = signing.Config().use_elliptic_key_signer(private_key=key, password=password and password.encode())
    except (OSError, ValueError, TypeError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise BadSigners(f"{key}: should be a private key on an elliptic curve, PEM, got: {said}.") from None
    signer.set_hashing_config(_hashing(file)).sign(folder, file)
    return file


def _signers(signers: Path) -> list[Path]:
    try:
        files = sorted(each for each in signers.iterdir() if each.is_file()) if signers.is_dir() else [signers]
        known = [each for each in files if {KEY, CERTIFICATE} & set(each.read_bytes().splitlines())]
    except OSError as error:
        raise BadSigners(f"{signers}: should be readable, got: {error.strerror or error}.") from None
    if not known:
        raise BadSigners(f"{signers}: should hold public keys or certificates, PEM, got none.")
    return known


def _against(signer: Path, folder: Path, signed: bytes, manifest: str) -> str | None:
    """Why a signature is not of this signer for this bundle; None if it is."""
    verifying = _library("verifying")
    try:
        config = verifying.Config()
        if KEY in signer.read_bytes():
            config.use_elliptic_key_verifier(public_key=signer)
        else:
            config.use_certificate_verifier(certificate_chain=[signer])
        config.set_hashing_config(_hashing(folder / SIGNATURE))
        # What is checked is what was read: the file may be another one by now.
        with tempfile.NamedTemporaryFile(suffix=f".{SIGNATURE}") as copy:
            copy.write(signed)
            copy.flush()
            config.verify(folder, Path(copy.name))
        if _digests(signed).get("manifest.json") != manifest:
            return "it does not name the manifest that was read"
    except Exception as error:  # noqa: BLE001  # the library raises what its parts do: of JSON, of keys, of files
        said = str(error).partition("\n")[0].strip().rstrip(".") or type(error).__name__
        return _differing(folder, signed) if said.startswith("Signature mismatch") else said
    return None


def _differing(folder: Path, signed: bytes) -> str:
    """Which files are not those of a signature that is somebody's."""
    wanted = _digests(signed)
    there = {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and file.name != SIGNATURE
    }
    names = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    return f"other files were signed than {', '.join(names)}"


def _digests(signed: bytes) -> dict[str, str]:
    """The SHA-256 that a verified signature gives for each file."""
    statement = json.loads(base64.b64decode(json.loads(signed)["dsseEnvelope"]["payload"]))
    resources = statement["predicate"]["resources"]
    return {each["name"]: each["digest"] for each in resources if each["algorithm"] == "sha256"}


def _hashing(signature: Path) -> Any:
    """Every file of the folder but the signature itself, no link among them, each by its SHA-256."""
    config = _library("hashing").Config().use_file_serialization(hashing_algorithm="sha256", allow_symlinks=False)
    return config.set_ignored_paths(paths=[signature], ignore_git_paths=False)


def _library(part: str) -> Any:
    try:
        import model_signing  # noqa: PLC0415  # a second of imports, needed only where bundles are signed
        import model_signing.hashing  # noqa: PLC0415
        import model_signing.signing  # noqa: PLC0415
        import model_signing.verifying  # noqa: PLC0415
    except ImportError as error:
        raise BadSigners(f"signatures: should have the extra `signing` ({EXTRA}), got: {error}.") from None
    return getattr(model_signing, part)
