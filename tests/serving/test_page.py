from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from serving.page import HEADERS, HOME
from tests.running import Server

FILES = sorted(file for file in HOME.rglob("*") if file.is_file())
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# What a browser would fetch of itself, were it in a file of ours: names of other hosts in any spelling.
ELSEWHERE = re.compile(r"""(?:https?:|wss?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+""", re.IGNORECASE)
# Names of XML vocabularies look like addresses and are never asked.
NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1999/xlink")


def test_the_page_is_served_at_the_root_with_its_headers(server: Server) -> None:
    response = server.get("")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text == (HOME / "index.html").read_text()
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_every_file_of_the_page_is_served_with_the_same_headers(server: Server, file: Path) -> None:
    response = server.get(f"console/{file.relative_to(HOME)}")

    assert response.status_code == 200
    assert response.content == file.read_bytes()
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    if file.suffix in KINDS:
        assert response.headers["content-type"].startswith(KINDS[file.suffix])


def test_a_file_that_has_not_changed_is_not_sent_again_but_guarded_all_the_same(server: Server) -> None:
    first = server.get("console/main.js")
    again = server.get("console/main.js", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["console/nothing.js", "console/", "console/../page.py", "console/%2e%2e/page.py"])
def test_nothing_but_its_files_is_served(server: Server, path: str) -> None:
    with httpx.Client(base_url=server.url) as client:
        response = client.send(httpx.Request("GET", f"{server.url}/{path}"))
    assert response.status_code == 404


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.suffix in KINDS], ids=lambda file: str(file.relative_to(HOME))
)
def test_no_file_of_the_page_names_another_host(file: Path) -> None:
    text = re.sub(r"/\*.*?\*/|<!--.*?-->|^\s*//.*$", "", file.read_text(), flags=re.DOTALL | re.MULTILINE)
    for namespace in NAMESPACES:
        text = text.replace(namespace, "")

    assert ELSEWHERE.findall(text) == []


def test_what_the_page_loads_is_there(server: Server) -> None:
    page = (HOME / "index.html").read_text()
    named = re.findall(r'(?:src|href)="([^"#]+)"', page)

    assert any(name.endswith(".js") for name in named)
    assert any(name.endswith(".css") for name in named)
    for name in named:
        assert server.get(name).status_code == 200, name
    # Inline scripts and styles would be refused by the page's own policy.
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page)


def test_modules_import_only_what_is_there() -> None:
    for file in HOME.glob("*.js"):
        for name in re.findall(r'(?:from|import)\s*\(?\s*"([^"]+)"', file.read_text()):
            assert (file.parent / name).is_file(), f"{file.name}: {name}"
