"""Addresses of an issuer."""

from __future__ import annotations

from urllib.parse import urlsplit

from serving.gate import is_loopback


def is_safe(url: str) -> bool:
    """Whether what is read there comes from who is named: over TLS, or from this machine; and holds no password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    near = host == "localhost" or is_loopback(host)
    return bool(host) and parts.username is None and parts.scheme in ({"https", "http"} if near else {"https"})


def described_at(issuer: str) -> str:
    """Where an issuer describes itself. Source: OpenID Connect Discovery 1.0, section 4."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"
