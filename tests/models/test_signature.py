from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.bundle import CARD, MANIFEST, Bundle, open_bundle, sha256
from models.errors import BadBundle
from models.signature import SIGNATURE, BadSigners, sign
from tests.releases import released

pytest.importorskip("model_signing", reason="needs the extra `signing`")
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from model_signing import signing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return released(tmp_path_factory.mktemp("made") / "screen")


@pytest.fixture
def bundle(made: Bundle, tmp_path: Path) -> Path:
    return shutil.copytree(made.folder, tmp_path / "screen")


def key(folder: Path, name: str, password: bytes | None = None) -> Path:
    """A private key; the public one goes into the folder `signers` beside it."""
    private = ec.generate_private_key(ec.SECP256R1())
    locked = NoEncryption() if password is None else BestAvailableEncryption(password)
    (folder / f"{name}.key").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    (folder / "signers").mkdir(exist_ok=True)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "signers" / f"{name}.pub").write_bytes(public)
    return folder / f"{name}.key"


def refused(bundle: Path, signers: Path) -> str:
    with pytest.raises(BadBundle) as caught:
        open_bundle(bundle, signers=signers)
    return str(caught.value)


def test_a_bundle_is_opened_if_one_of_the_signers_signed_it(bundle: Path, tmp_path: Path) -> None:
    ada, _ = key(tmp_path, "ada"), key(tmp_path, "bo")
    assert sign(bundle, ada) == bundle / SIGNATURE
    (tmp_path / "signers" / "notes.txt").write_text("no key")
    for signers in (tmp_path / "signers", tmp_path / "signers" / "ada.pub"):
        assert open_bundle(bundle, signers=signers) == open_bundle(bundle)
    assert refused(bundle, tmp_path / "signers" / "bo.pub").startswith(
        f"{bundle / SIGNATURE}: should be of the bundle, by one of {tmp_path / 'signers' / 'bo.pub'}, got another one"
        " (bo.pub: Key mismatch"
    )


def test_a_key_with_a_password_signs_with_it_alone(bundle: Path, tmp_path: Path) -> None:
    ada = key(tmp_path, "ada", b"sesame")
    sign(bundle, ada, "sesame")
    assert open_bundle(bundle, signers=tmp_path / "signers").digest
    with pytest.raises(BadSigners, match=r"ada\.key: should be a private key on an elliptic curve, PEM, got: "):
        sign(bundle, ada)


def test_a_bundle_without_a_signature_is_refused(bundle: Path, tmp_path: Path) -> None:
    key(tmp_path, "ada")
    assert refused(bundle, tmp_path / "signers") == (
        f"{bundle / SIGNATURE}: should be a signature of the bundle, got: No such file or directory."
    )


def test_a_signature_of_another_bundle_is_refused(bundle: Path, made: Bundle, tmp_path: Path) -> None:
    ada = key(tmp_path, "ada")
    other = released(tmp_path / "other", purpose="another").folder
    sign(other, ada)
    shutil.copy(other / SIGNATURE, bundle)
    assert refused(bundle, tmp_path / "signers").endswith(
        "(ada.pub: other files were signed than manifest.json, model.onnx)."
    )


def test_a_signature_does_not_outlive_a_change_that_keeps_every_digest_right(bundle: Path, tmp_path: Path) -> None:
    ada = key(tmp_path, "ada")
    sign(bundle, ada)
    card = (bundle / CARD).read_bytes()
    (bundle / CARD).write_text("# Never wrong\n")
    document = (bundle / MANIFEST).read_text()
    (bundle / MANIFEST).write_text(document.replace(sha256(card), sha256(b"# Never wrong\n")))
    assert open_bundle(bundle).card == "# Never wrong\n"
    assert refused(bundle, tmp_path / "signers").endswith(
        "(ada.pub: other files were signed than CARD.md, manifest.json)."
    )


def test_what_was_not_signed_may_not_lie_in_a_signed_bundle(bundle: Path, tmp_path: Path) -> None:
    sign(bundle, key(tmp_path, "ada"))
    (bundle / "weights.pkl").write_bytes(b"")
    assert refused(bundle, tmp_path / "signers").endswith("(ada.pub: other files were signed than weights.pkl).")


def test_every_byte_of_a_signature_counts(bundle: Path, tmp_path: Path) -> None:
    signature = sign(bundle, key(tmp_path, "ada"))
    whole = signature.read_bytes()
    start = whole.index(b'"payload"')
    for place in range(start + 20, start + 1500, 150):
        flipped = whole[place] ^ 1
        signature.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        assert str(signature) in refused(bundle, tmp_path / "signers")
    for junk in (b"", b"{}", b"no JSON", whole[:-40]):
        signature.write_bytes(junk)
        assert str(signature) in refused(bundle, tmp_path / "signers")


def test_a_bundle_that_is_written_anew_leaves_no_old_signature(bundle: Path, tmp_path: Path) -> None:
    sign(bundle, key(tmp_path, "ada"))
    released(bundle, purpose="anew")
    assert not (bundle / SIGNATURE).exists()


def test_who_may_sign_has_to_be_readable_and_somebody(bundle: Path, tmp_path: Path) -> None:
    sign(bundle, key(tmp_path, "ada"))
    (tmp_path / "none").mkdir()
    nobody, missing = tmp_path / "none", tmp_path / "x"
    assert refused(bundle, nobody) == f"{nobody}: should hold public keys or certificates, PEM, got none."
    assert refused(bundle, missing) == f"{missing}: should be readable, got: No such file or directory."
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "rsa.pub").write_bytes(other)
    assert str(bundle / SIGNATURE) in refused(bundle, tmp_path / "rsa.pub")


def test_without_the_extra_it_is_named(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(bundle, key(tmp_path, "ada"))
    monkeypatch.setitem(sys.modules, "model_signing", None)
    assert refused(bundle, tmp_path / "signers") == (
        "signatures: should have the extra `signing` (pip install 'fulcrum-screening[signing]'),"
        " got: import of model_signing halted; None in sys.modules."
    )
    assert open_bundle(bundle).digest


def test_a_certificate_stands_for_the_key_it_was_given_to(bundle: Path, tmp_path: Path) -> None:
    ada, bo = (certified(tmp_path, key(tmp_path, name)) for name in ("ada", "bo"))
    signer = signing.Config().use_certificate_signer(
        private_key=tmp_path / "ada.key", signing_certificate=ada, certificate_chain=[ada]
    )
    signer.sign(bundle, bundle / SIGNATURE)
    assert open_bundle(bundle, signers=ada).digest
    assert refused(bundle, bo).startswith(f"{bundle / SIGNATURE}: should be of the bundle, by one of {bo}, got ")


def certified(folder: Path, key: Path) -> Path:
    """A certificate that somebody gave to themselves."""
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key.stem)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True)
        .sign(private, hashes.SHA256())
    )
    (folder / f"{key.stem}.crt").write_bytes(made.public_bytes(Encoding.PEM))
    return folder / f"{key.stem}.crt"
