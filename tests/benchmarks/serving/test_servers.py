from __future__ import annotations

import json

from benchmarks.serving.job import SCHEMA, rows
from benchmarks.serving.load import TOLD
from benchmarks.serving.servers import SERVERS
from models.rows import encode_rows


def test_people_keep_the_contract_and_are_the_same_every_time() -> None:
    assert len(encode_rows(SCHEMA, rows(500, 3))) == 500
    assert rows(5, 3) == rows(5, 3)
    assert rows(5, 3) != rows(5, 4)


def test_each_server_is_asked_in_its_own_form() -> None:
    people = rows(2, 0)
    for server in SERVERS:
        alone = json.loads(server.body(people[:1]))
        assert alone == ({"rows": people[:1]} if server.ours else people[0])
        assert json.loads(server.body(people)) == {"rows": people}
        by_column = json.loads(server.body(people, by_column=True))["columns"]
        assert by_column == {name: [row[name] for row in people] for name in SCHEMA.names}


def test_what_wrk_says_is_read() -> None:
    found = TOLD.search(b"Requests/sec: 7\n\nTOLD 63861 9005741 0 2068 3915\n")
    assert found is not None
    assert tuple(map(int, found.groups())) == (63861, 9005741, 0, 2068, 3915)
