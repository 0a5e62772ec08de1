"""How `manifest.json` is spelled, so that it can be told to the byte from what the graph says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# A text, or the end of a list or an object; between them are numbers, commas and colons.
MARK = re.compile(r'("(?:[^"\\]|\\.)*"|\[\]|{}|[\[\]{}])')


def spelled(manifest: str, files: Mapping[str, str]) -> bytes:
    """The file for a manifest in JSON of one line, as the graph holds it, and the digests of the other files."""
    digests = json.dumps(dict(files), separators=(",", ":"))
    return (indented(f'{{"manifest":{manifest},"files":{digests}}}') + "\n").encode()


def indented(text: str) -> str:
    r"""JSON with one field or item a line and one space a level, its words and numbers as they are.

    >>> indented('{"a":[1,2.50],"b":{}}')
    '{\n "a": [\n  1,\n  2.50\n ],\n "b": {}\n}'
    """
    parts, level = [], 0
    for part in MARK.split(text):
        if part in {"[", "{"}:
            level += 1
            parts.append(f"{part}\n{' ' * level}")
        elif part in {"]", "}"}:
            level -= 1
            parts.append(f"\n{' ' * level}{part}")
        else:
            parts.append(part if part[:1] == '"' else part.replace(",", f",\n{' ' * level}").replace(":", ": "))
    return "".join(parts)
