"""Faults on the short way of a request: read, gathered, written, let in, and ended."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

READER, WRITER, DESK = "serving/fast/reader.py", "serving/fast/writer.py", "serving/fast/desk.py"
PROTOCOL, PATIENCE, HOOK = "serving/fast/protocol.py", "serving/fast/patience.py", "serving/fast/hook.py"
HEADS = "serving/fast/heads.py"
GATE, ONCE, TABLES, COLUMNS = "serving/gate.py", "serving/once.py", "serving/tables.py", "models/columns.py"

TESTS = {
    READER: ["serving/fast/test_reader.py"],
    WRITER: ["serving/fast/test_writer.py"],
    DESK: ["serving/fast/test_desk.py"],
    HEADS: ["serving/fast/test_heads.py"],
    PROTOCOL: [
        "serving/fast/test_heads.py",
        "serving/fast/test_protocol.py",
        "serving/fast/test_limits.py",
        "serving/test_gate.py",
    ],
    PATIENCE: ["serving/fast/test_patience.py"],
    HOOK: ["serving/fast/test_hook.py"],
    GATE: ["serving/test_gate.py"],
    ONCE: ["serving/test_once.py"],
    TABLES: ["serving/test_tables.py"],
    COLUMNS: ["serving/test_columnar.py"],
}

MUTANTS = [
    Mutant(READER, "if _colons(body) != 1 + asked + self.names(people):", "if False:", "a name that comes twice taken"),
    Mutant(READER, "Annotated[float, Meta(ge=column.low, le=column.high)]", "Annotated[float, Meta(ge=column.low)]", "a cell above its range"),
    Mutant(READER, 'kind | None if column.missing == "impute" else kind', "kind | None", "an empty cell where none may be"),
    Mutant(READER, "Meta(min_length=1, max_length=max_rows)", "Meta(min_length=1)", "more rows than may be"),
    Mutant(READER, "        check_lengths(self.schema, [len(cells) for cells in lists])\n", "        lists = [cells[: min(map(len, lists))] for cells in lists]\n", "columns cut to the shortest"),
    Mutant(READER, "_setting(request) if asked else RELEASED", "RELEASED", "what was asked forgotten"),
    Mutant(WRITER, "if not np.logical_and.reduce(finite):", "if False:", "what is no number sent"),
    Mutant(WRITER, "POSITIVE if positive else NEGATIVE if negative else UNDECIDED", "POSITIVE if positive else NEGATIVE", "the undecided cleared"),
    Mutant(WRITER, "for cells in texts.cells[rows]", "for cells in texts.cells[: rows.stop - rows.start]", "the answers of others"),
    Mutant(WRITER, "known = self._frames.get((id(at), version))", "known = next(iter(self._frames.values()), None)", "the words of another point"),
    Mutant(WRITER, "known = self._frames[id(at), version] = at,", "known = self._frames[id(at), version] = None,", "a point let go whose address another takes"),
    Mutant(DESK, "rows, name = slice(first, first + len(each.columns))", "rows, name = slice(0, len(each.columns))", "everybody told of the first"),
    Mutant(DESK, "found.setdefault(each.asked, [])", "found.setdefault(waiting[0].asked, [])", "all at the point of the first"),
    Mutant(DESK, "            if each.asked is not RELEASED:\n", "            if False:\n", "who asks for something not answered"),
    Mutant(DESK, "            for each in group:\n                self._answer_alike(now, asked, [each], turn)", "            self._tell_all(group, refusal(error))", "all refused for one"),
    Mutant(DESK, "if self._rows_waiting * self._seconds_a_row > self.max_wait:", "if False:", "nobody sent away"),
    Mutant(PROTOCOL, "self.answered.disconnected = True", "pass", "who hung up answered, where another request followed"),
    Mutant(PROTOCOL, "self._is_free()\n            and self.parser", "self.parser", "two at a time on one connection"),
    Mutant(PROTOCOL, "        self.headers += headers\n", "", "headers lost on the common way"),
    Mutant(PROTOCOL, "if self.pipeline or self.flow.write_paused:", "if self.flow.write_paused:", "requests that nobody waits for pile up"),
    Mutant(PROTOCOL, "            self.tell(found)\n            return False\n", "            return True\n", "everybody let in"),
    Mutant(PROTOCOL, "if asked.let_in(authorization, size, None):", "if True:", "everybody let in whose head is known"),
    Mutant(PROTOCOL, "begins = not self.arriving and self._is_free()", "begins = True", "a known head taken for a part of a body"),
    Mutant(PROTOCOL, "if let_in and keep_alive and size is not None and trace is None:", "if let_in and size is not None and trace is None:", "a connection kept that should be closed"),
    Mutant(PROTOCOL, "rest = self.idle_since + self.timeout_keep_alive - self.loop.time()", "rest = 0", "who asked just now hung up on"),
    Mutant(PROTOCOL, "        if not self._is_free():\n            return\n        rest", "        rest", "who waits for an answer hung up on"),
    Mutant(PROTOCOL, "self.head_bytes += len(data)", "pass", "a head without end kept"),
    Mutant(HEADS, "head is None or head.size != len(body)", "head is None", "two requests taken for one"),
    Mutant(HEADS, 'written.count(b"\\n") == written.count(b"\\r") == lines', "True", "a head whose end is in doubt remembered"),
    Mutant(HEADS, "            self._known.clear()\n", "            pass\n", "heads without end remembered"),
    Mutant(PROTOCOL, "if len(self.connections) > self.most_connections:", "if False:", "connections without end"),
    Mutant(PROTOCOL, "        self.patience.end(self)\n        if self.asked is None:", "        if self.asked is None:", "who was in time ended"),
    Mutant(PROTOCOL, "        self.head_bytes = 0\n        self.patience.begin(self)\n", "        self.head_bytes = 0\n", "a second request may drip"),
    Mutant(PATIENCE, "self._since.pop(connection, None)\n        self._since[connection] = loop.time()", "self._since.setdefault(connection, loop.time())", "a new request as old as the one before"),
    Mutant(PATIENCE, "self._looking = bool(self._since)", "self._looking = True", "nobody looks any more"),
    Mutant(HOOK, "not all(hasattr(parent, name) for name in USED)", "False", "entered where it does not fit"),
    Mutant(GATE, "if host is None or not is_loopback(host):", "if False:", "strangers answered without an access file"),
    Mutant(GATE, 'self.look_in(authorization, host, "predict")', "self.look_in(authorization, host)", "any role will do"),
    Mutant(GATE, "        if person is not None and rate is not None:\n", "        if False:\n", "no rate kept"),
    Mutant(GATE, "person.rate or self._rate", "person.rate", "who has no rate asks as often as they like"),
    Mutant(GATE, "            self._forget(now)\n", "            pass\n", "everybody remembered for ever"),
    Mutant(GATE, "owing[-REMEMBERED // 2 :]", "owing[: REMEMBERED // 2]", "those forgotten who asked most"),
    Mutant(GATE, "max(self._full_at.get(person.name, now), now)", "self._full_at.get(person.name, now)", "a pause saved up"),
    Mutant(ONCE, "if times > 1", "if times > 2", "twice is once"),
    Mutant(TABLES, "    if scored.refused:\n        raise BadInput(scored.refused)\n", "", "refused rows left out without a word"),
    Mutant(TABLES, "bool(field(batch, 3))", "False", "a compressed stream unpacked"),
    Mutant(TABLES, "    if rows > most_rows:", "    if False:", "more rows than may be, as a table"),
    Mutant(COLUMNS, "if length != lengths[0]", "if length < lengths[0]", "a longer column taken"),
]  # fmt: skip
