"""An issuer of tokens on this machine: its keys, what it says of itself, and its tokens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "fulcrum-of-the-clinic"
MAKERS = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "PS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


@dataclass(frozen=True)
class Signer:
    """A private key of an issuer, by its name and algorithm."""

    kid: str
    algorithm: str
    private: Any

    @classmethod
    def new(cls, kid: str, algorithm: str = "ES256") -> Signer:
        return cls(kid, algorithm, MAKERS[algorithm][0]())

    @property
    def listed(self) -> dict[str, Any]:
        """Its public half, as it stands in a key set."""
        public = MAKERS[self.algorithm][1].to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def token(self, issuer: str, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token that is right but for the claims that are given; one that is None is left out."""
        now = int(time.time())
        said = {"iss": issuer, "aud": AUDIENCE, "exp": now + 600, "iat": now, "sub": "ada", "roles": ["predict"]}
        kept = {name: value for name, value in {**said, **claims}.items() if value is not None}
        said_before = {"kid": self.kid, **(header or {})}
        return jwt.encode(
            kept,
            self.private,
            self.algorithm,
            {name: value for name, value in said_before.items() if value is not None},
        )


def key_set(*signers: Signer) -> bytes:
    return json.dumps({"keys": [signer.listed for signer in signers]}).encode()


@dataclass
class Issuer:
    """A server that tells its keys, how often it was asked, and what it answers in place of them."""

    url: str
    signers: list[Signer]
    instead: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(path)
        if path in self.instead:
            return self.instead[path]
        if path == "/.well-known/openid-configuration":
            return 200, {}, json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        return (200, {}, key_set(*self.signers)) if path == "/keys" else (404, {}, b"")


@contextmanager
def issuing(*signers: Signer) -> Iterator[Issuer]:
    """An issuer that listens on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = issuer.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(f"http://127.0.0.1:{server.server_port}", list(signers))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
