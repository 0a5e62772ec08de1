from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.serving.job import SCHEMA, rows
from benchmarks.serving.load import TOLD
from benchmarks.serving.peers import fields
from benchmarks.serving.servers import SERVERS, Server
from models.rows import encode_rows


def test_people_keep_the_contract_and_are_the_same_every_time() -> None:
    assert len(encode_rows(SCHEMA, rows(500, 3))) == 500
    assert rows(5, 3) == rows(5, 3)
    assert rows(5, 3) != rows(5, 4)


def test_each_server_is_asked_and_answers_in_its_own_form() -> None:
    people, answers = rows(2, 0), [{"probability": 0.1}, {"probability": 0.2}]
    for server in SERVERS:
        alone, both = (json.loads(server.body(people[:count])) for count in (1, 2))
        assert both == {server.around or "rows": people}
        assert alone == ({server.around: people[:1]} if server.around else people[0])
        assert server.answers({server.within: answers}) == answers
        assert server.answers(answers[0]) == answers[:1]
        by_column = json.loads(server.body(people, by_column=True))["columns"]
        assert by_column == {name: [row[name] for row in people] for name in SCHEMA.names}


def test_a_server_without_its_environment_is_not_there() -> None:
    assert Server("here", ()).there
    assert not Server("elsewhere", (), environment_of="nowhere").there


def test_peers_know_the_columns_from_a_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = (
        fields.Field("age", 18.0, 100.0, (), empty=True),
        fields.Field("eye", None, None, ("left",), empty=False),
    )
    fields.write(tmp_path, written, ("scar",))
    monkeypatch.setenv(fields.HOME, str(tmp_path))
    assert fields.read() == (written, ("scar",))


def test_what_wrk_says_is_read() -> None:
    found = TOLD.search(b"Requests/sec: 7\n\nTOLD 63861 9005741 0 2068 3915\n")
    assert found is not None
    assert tuple(map(int, found.groups())) == (63861, 9005741, 0, 2068, 3915)
