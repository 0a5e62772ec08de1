"""A study file of `fulcrum init` with one plain network in the place of its two, which is exported much sooner."""

from __future__ import annotations

import re

PLAIN = """networks = {
    "network": Linear(),
    "terms": additive.terms,
    "budget": additive.budget,
}"""


def one_network(text: str) -> str:
    found, changes = re.subn(r"^networks = {\n.*?^}", PLAIN, text, flags=re.DOTALL | re.MULTILINE)
    assert changes == 1
    return found
