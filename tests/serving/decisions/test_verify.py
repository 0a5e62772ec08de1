"""Whatever is done to a log is found and named; what a killed process leaves is not taken for that."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.decisions.anchor import Anchors, anchor
from serving.decisions.chain import head_of
from serving.decisions.index import INDEX
from serving.decisions.verify import MOST_PROBLEMS, verify
from tests.serving.decisions.logs import BUNDLE, entry, files, opened, problems, small

Edit = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one log that was closed and one whose process was killed."""
    folder = tmp_path_factory.mktemp("kept")
    small(folder, lines=2)
    log = opened(folder)
    for number in range(3):
        log.write([entry(number)])
    return folder


def everything(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_was_written_has_no_problem(kept: Path) -> None:
    found = verify(kept)
    assert (found.problems, found.files, found.decisions) == ([], 3, 7)
    assert found.notes == [f"{files(kept)[-1].name}: is open, or its writer was killed."]
    first = f"{files(kept)[0].name}:2"
    assert found.used["screen", BUNDLE][0] == first


def test_every_flipped_byte_of_every_file_is_found(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.write([entry(1)])
    missed = []
    for file in everything(tmp_path):
        text = file.read_bytes()
        for place in range(len(text)):
            flipped = bytearray(text)
            flipped[place] ^= 1 << place % 8
            file.write_bytes(flipped)
            if not problems(tmp_path):
                missed.append((file.name, place))
        file.write_bytes(text)
    assert missed == []
    assert problems(tmp_path) == []
    log.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_other_bytes_in_their_place_are_found(kept: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(everything(kept)))
    text = file.read_bytes()
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    other = text[:start] + data.draw(st.binary(max_size=20)) + text[end:]
    # A torn line after all that was answered is what a killed process leaves, not tampering.
    if other.startswith(text):
        return
    try:
        file.write_bytes(other)
        assert (problems(kept) != []) is (other != text)
    finally:
        file.write_bytes(text)


def lines_of(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True)


def edits(count: int) -> dict[str, Edit]:
    found: dict[str, Edit] = {}
    for at in range(count):
        found[f"delete {at}"] = lambda lines, at=at: lines[:at] + lines[at + 1 :]  # type: ignore[misc]
        found[f"double {at}"] = lambda lines, at=at: lines[: at + 1] + lines[at:]  # type: ignore[misc]
        found[f"cut before {at}"] = lambda lines, at=at: lines[:at]  # type: ignore[misc]
        found[f"tear {at}"] = lambda lines, at=at: [*lines[:at], lines[at][:-9]]  # type: ignore[misc]
        for to in range(at):
            found[f"swap {at} and {to}"] = lambda lines, at=at, to=to: swapped(lines, at, to)  # type: ignore[misc]
    return found


def swapped(lines: list[bytes], one: int, other: int) -> list[bytes]:
    lines = lines.copy()
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def test_every_deleted_doubled_swapped_torn_or_cut_line_is_found(kept: Path) -> None:
    missed = []
    for file in [*files(kept), kept / INDEX]:
        lines = lines_of(file)
        for name, edit in edits(len(lines)).items():
            file.write_bytes(b"".join(edit(lines)))
            if not problems(kept):
                missed.append((file.name, name))
        file.write_bytes(b"".join(lines))
    assert missed == []


def test_a_line_of_another_file_is_found_wherever_it_is_put(kept: Path) -> None:
    first, _, last = files(kept)
    strange, lines = lines_of(first)[1], lines_of(last)
    for at in range(1, len(lines) + 1):
        last.write_bytes(b"".join([*lines[:at], strange, *lines[at:]]))
        assert problems(kept)
    last.write_bytes(b"".join(lines))


def test_every_missing_file_is_named(kept: Path) -> None:
    for file in everything(kept):
        text = file.read_bytes()
        file.unlink()
        assert any(file.name in problem for problem in problems(kept))
        file.write_bytes(text)


def test_a_missing_log_is_named_by_the_line_of_the_index(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    gone = files(tmp_path)[0]
    gone.unlink()
    head_of(gone).unlink()
    assert problems(tmp_path) == [f"{gone.name}: should be there, as {INDEX}:2 says, got no file."]


def test_two_files_that_swapped_their_names_are_found(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    one, other, _ = files(tmp_path)
    for path, name in ((one, "x"), (other, one.name), (tmp_path / "x", other.name)):
        head_of(path).rename(head_of(tmp_path / name))
        path.rename(tmp_path / name)
    assert f"{one.name}:1: file: should be {one.name}, got '{other.name}'."[:100] in "\n".join(problems(tmp_path))


def test_a_doubled_file_under_a_new_name_is_found(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    shutil.copy(files(tmp_path)[0], tmp_path / "z.jsonl")
    found = problems(tmp_path)
    assert f"z.jsonl: should be entered in {INDEX}, got no entry." in found


def test_an_altered_line_is_named_by_file_line_rule_and_what_was_got(tmp_path: Path) -> None:
    small(tmp_path)
    file = files(tmp_path)[0]
    text = file.read_bytes()
    file.write_bytes(text.replace(b'"positive"', b'"negative"', 1))
    (problem,) = problems(tmp_path)
    assert problem.startswith(f"{file.name}:2: hash: should be ")
    assert problem.endswith("....")


def test_a_cut_end_is_found_by_the_head(tmp_path: Path) -> None:
    small(tmp_path, closed=False)
    file = files(tmp_path)[0]
    file.write_bytes(b"".join(lines_of(file)[:-2]))
    assert problems(tmp_path) == [
        f"{file.name}: should go on to line number 4, as {file.name}.head says, got number 2 as its last one."
    ]


def test_what_a_killed_process_leaves_is_told_and_no_fault(tmp_path: Path) -> None:
    small(tmp_path, closed=False)
    file = files(tmp_path)[0]
    # As if it had been killed between a line and its head, ...
    earlier = head_of(file).read_bytes()
    log_lines = lines_of(file)
    head_of(file).write_bytes(head_at(log_lines[-2]))
    assert problems(tmp_path) == []
    # ... and then in the midst of another line.
    file.write_bytes(b"".join(log_lines) + log_lines[-1][:50])
    found = verify(tmp_path)
    assert found.problems == []
    torn = "; its last line was torn off before it was whole, and never answered"
    assert f"{file.name}: is open, or its writer was killed{torn}." in found.notes
    # A torn line that was answered is missing.
    head_of(file).write_bytes(earlier)
    file.write_bytes(b"".join(log_lines)[:-20])
    assert problems(tmp_path) == [
        f"{file.name}: should go on to line number 4, as {file.name}.head says, got number 3 as its last one."
    ]


def head_at(line: bytes) -> bytes:
    from serving.decisions.line import Head, read_line  # noqa: PLC0415  # of this helper alone

    link = read_line(line)
    return Head(link.number, link.hash).text()


def test_a_file_that_ended_may_not_be_torn_nor_go_on(tmp_path: Path) -> None:
    small(tmp_path)
    file = files(tmp_path)[0]
    file.write_bytes(file.read_bytes() + b"{")
    assert problems(tmp_path) == [f"{file.name}: should end with a whole line, got a part of one."]


def test_a_folder_without_logs_is_none(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{INDEX}: should be there, in {tmp_path}, got no file."]


def rewritten(folder: Path, *, lines: int) -> None:
    """What somebody does who may write to the folder: all of it anew, hashes, heads and index included."""
    for file in everything(folder):
        file.unlink()
    small(folder, lines=lines, closed=False)


def test_a_chain_that_was_written_anew_is_found_by_an_anchor_alone(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "logs", tmp_path / "anchors"
    folder.mkdir()
    small(folder, closed=False)
    elsewhere.write_text(f"{anchor(folder)}\n")
    assert verify(folder, anchors=Anchors.read(elsewhere)).problems == []
    log = opened(folder)
    log.write([entry(7)])
    log.close()
    elsewhere.write_text(f"{elsewhere.read_text()}{anchor(folder)}\n")
    assert verify(folder, anchors=Anchors.read(elsewhere)).problems == []

    gone = files(folder)[0].name
    rewritten(folder, lines=3)
    assert problems(folder) == []
    found = [str(each) for each in verify(folder, anchors=Anchors.read(elsewhere)).problems]
    assert f"{gone}: should be there, as anchors:1 says, got no file." in found
    assert any(each.startswith(f"{INDEX}:3: hash: should be ") for each in found)


def test_no_end_of_problems_fills_the_memory(tmp_path: Path) -> None:
    small(tmp_path)
    file = files(tmp_path)[0]
    file.write_bytes(b"{}\n" * (MOST_PROBLEMS + 500))
    found = verify(tmp_path)
    assert len(found.problems) == MOST_PROBLEMS
    assert found.more_problems > 400
