from __future__ import annotations

import re

from serving.names import Names


def test_no_name_comes_twice_and_all_of_a_process_begin_alike() -> None:
    names = Names()
    found = [names.new() for _ in range(10_000)]
    assert len(set(found)) == len(found)
    assert len({name.partition("-")[0] for name in found}) == 1
    assert all(re.fullmatch("[0-9a-f]{16}-[0-9a-f]+", name) for name in found)


def test_another_process_has_names_of_its_own() -> None:
    assert Names().new() != Names().new()
