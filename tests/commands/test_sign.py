from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import open_bundle
from tests import handmade
from tests.asking import DONE, UNSOUND, asked

pytest.importorskip("model_signing", reason="needs the extra `signing`")
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def test_a_sound_bundle_is_signed_and_another_is_not(here: Path) -> None:
    bundle = handmade.bundle(here)
    private = ec.generate_private_key(ec.SECP384R1())
    Path("ada.key").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    Path("ada.pub").write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    answer = asked("sign", bundle.folder, "--key", "ada.key")

    assert (answer.code, answer.out) == (
        DONE,
        f"Wrote {bundle.folder / 'model.sig'}, for handmade/screen {bundle.digest}\n",
    )
    assert open_bundle(bundle.folder, signers=Path("ada.pub")).digest == bundle.digest
    (bundle.folder / "CARD.md").write_text("# Another\n")
    assert asked("sign", bundle.folder, "--key", "ada.key").code == UNSOUND
    assert asked("sign", bundle.folder, "--key", "ada.pub").code == UNSOUND
