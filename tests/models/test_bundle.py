from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from models import bundle as bundles
from models import graph
from models.bundle import CARD, GRAPH, MANIFEST, Bundle, open_bundle, sha256, write_bundle
from models.errors import BadBundle
from models.manifest import Manifest
from models.scorer import Scorer
from models.spelling import spelled
from models.verify import verify
from tests import handmade

ROOT = Path(__file__).parents[2]
STORED = Path(__file__).parent / "stored"


@pytest.fixture(scope="module")
def made() -> tuple[onnx.ModelProto, Manifest]:
    return handmade.finished()


@pytest.fixture
def written(tmp_path: Path, made: tuple[onnx.ModelProto, Manifest]) -> Bundle:
    return write_bundle(tmp_path / "screen", model=made[0], manifest=made[1], card="# A card é\n")


def refused(folder: Path) -> str:
    with pytest.raises(BadBundle) as caught:
        open_bundle(folder)
    return str(caught.value)


def swap_in(folder: Path, model: bytes) -> None:
    """Put another graph into a bundle and mend its digest."""
    (folder / GRAPH).write_bytes(model)
    document = json.loads((folder / MANIFEST).read_text())
    document["files"][GRAPH] = sha256(model)
    (folder / MANIFEST).write_text(f"{json.dumps(document, indent=1, ensure_ascii=False)}\n")


def test_a_bundle_is_opened_as_it_was_written(written: Bundle, made: tuple[onnx.ModelProto, Manifest]) -> None:
    opened = open_bundle(str(written.folder))
    assert opened == written
    assert opened.manifest == made[1]
    assert (opened.card, opened.name) == ("# A card é\n", "handmade/screen")
    assert sorted(file.name for file in written.folder.iterdir()) == [CARD, MANIFEST, GRAPH]
    assert opened.digest == sha256((written.folder / MANIFEST).read_bytes())


def test_the_graph_carries_the_manifest(written: Bundle) -> None:
    said = graph.metadata(onnx.load_model_from_string(written.graph))[graph.METADATA_KEY]
    assert Manifest.model_validate_json(said) == written.manifest


@pytest.mark.parametrize("file", [GRAPH, CARD])
def test_one_flipped_bit_in_graph_or_card_is_refused_and_the_file_is_named(written: Bundle, file: str) -> None:
    for whole, _, flipped in flips(written.folder / file):
        (written.folder / file).write_bytes(flipped)
        got = f"should have SHA-256 {sha256(whole)}, got {sha256(flipped)}."
        assert refused(written.folder) == f"{written.folder / file}: {got}"


def test_one_flipped_bit_in_the_manifest_is_refused_though_every_value_may_be_the_same(written: Bundle) -> None:
    """The last digit of a long number may be another one of the same float, and a space may be a line."""
    for _, place, flipped in flips(written.folder / MANIFEST):
        (written.folder / MANIFEST).write_bytes(flipped)
        said = refused(written.folder)
        # A digest inside the manifest accuses the file that it is about.
        assert MANIFEST in said or "should have SHA-256" in said, place


def test_no_byte_of_a_manifest_of_an_older_format_can_be_another_one(tmp_path: Path) -> None:
    shutil.copytree(STORED / "format-1", tmp_path / "stored")
    file = tmp_path / "stored" / MANIFEST
    whole = file.read_bytes()
    # Every eleventh, and so each kind of place; all of them take a minute.
    for place in range(0, len(whole), 11):
        # Of a space this makes a return, which means the same to a reader of JSON.
        other = whole[place] ^ 0b00101101 if whole[place] == ord(" ") else whole[place] ^ 1
        file.write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
        refused(tmp_path / "stored")
    file.write_bytes(whole)
    assert open_bundle(tmp_path / "stored").manifest.study


def test_a_manifest_in_another_spelling_is_refused_at_its_byte(written: Bundle) -> None:
    text = (written.folder / MANIFEST).read_bytes()
    space = text.index(b' "files"')
    for other, place in ((text + b"\n", len(text)), (text.replace(b' "files"', b'\t"files"'), space)):
        (written.folder / MANIFEST).write_bytes(other)
        assert refused(written.folder) == (
            f"{written.folder / MANIFEST}: should be to the byte what the metadata of model.onnx says, got another"
            f" spelling at byte {place}."
        )


def test_a_graph_that_names_weights_elsewhere_is_refused_even_with_its_digest_mended(written: Bundle) -> None:
    model = onnx.load_model_from_string(written.graph)
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="model.onnx.data")
    (written.folder / "model.onnx.data").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    swap_in(written.folder, graph.as_bytes(model))
    assert refused(written.folder) == (
        f"{written.folder / GRAPH}: graph.initializer.0: should be inside the file, got external data in"
        " 'model.onnx.data'."
    )


def test_a_graph_with_an_operator_of_somebody_s_own_is_refused_even_with_its_digest_mended(written: Bundle) -> None:
    model = onnx.load_model_from_string(written.graph)
    model.graph.node[3].domain = "com.example"
    swap_in(written.folder, graph.as_bytes(model))
    assert refused(written.folder) == (
        f"{written.folder / GRAPH}: graph.node.3.domain: should be of the standard operators, got 'com.example'."
    )


@pytest.mark.parametrize("file", [GRAPH, CARD, MANIFEST])
def test_a_link_out_of_the_folder_is_refused_and_one_within_is_followed(
    written: Bundle, tmp_path: Path, file: str
) -> None:
    (written.folder / file).rename(tmp_path / file)
    (written.folder / file).symlink_to(tmp_path / file)
    assert refused(written.folder) == (
        f"{written.folder / file}: should lie in the folder of the bundle, got a link to {tmp_path / file}."
    )
    (written.folder / file).unlink()
    (written.folder / "..data").mkdir()
    (tmp_path / file).rename(written.folder / "..data" / file)
    (written.folder / file).symlink_to(Path("..data") / file)
    assert open_bundle(written.folder) == written


def test_a_pipe_or_a_link_to_itself_in_the_place_of_a_file_does_not_hold_a_reader_up(written: Bundle) -> None:
    (written.folder / CARD).unlink()
    os.mkfifo(written.folder / CARD)
    path = written.folder / CARD
    assert refused(written.folder) == f"{path}: should be a readable file, got something else of that name."
    path.unlink()
    path.symlink_to(CARD)
    assert refused(written.folder).startswith(f"{path}: should be a readable file, got: ")


def test_whatever_else_lies_in_the_folder_is_not_read(written: Bundle) -> None:
    for name in ("model.onnx.data", "model.pkl", "operators.so", "model.sig"):
        os.mkfifo(written.folder / name)
    assert open_bundle(written.folder) == written


def flips(file: Path) -> Iterator[tuple[bytes, int, bytes]]:
    """The file whole, and with one bit changed at the ends and at some places between."""
    whole = file.read_bytes()
    for place in sorted(
        {0, 1, len(whole) - 2, len(whole) - 1, *random.Random(file.name).choices(range(len(whole)), k=60)}
    ):
        yield whole, place, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


@pytest.mark.parametrize("file", [GRAPH, CARD, MANIFEST])
def test_a_file_cut_short_or_longer_is_refused(written: Bundle, file: str) -> None:
    whole = (written.folder / file).read_bytes()
    for data in (b"", whole[: len(whole) // 2], whole[:-2], whole + b"x"):
        (written.folder / file).write_bytes(data)
        assert file in refused(written.folder)


@pytest.mark.parametrize("file", [GRAPH, CARD, MANIFEST])
def test_a_missing_file_is_named(written: Bundle, file: str) -> None:
    (written.folder / file).unlink()
    path = written.folder / file
    assert refused(written.folder) == f"{path}: should be a readable file, got: No such file or directory."


def test_a_folder_where_a_file_should_be_is_named(written: Bundle) -> None:
    (written.folder / CARD).unlink()
    (written.folder / CARD).mkdir()
    path = written.folder / CARD
    assert refused(written.folder) == f"{path}: should be a readable file, got: Is a directory."


def test_a_wrong_digest_is_said_with_both(written: Bundle) -> None:
    (written.folder / CARD).write_text("another")
    wanted, got = sha256("# A card é\n".encode()), sha256(b"another")
    assert refused(written.folder) == f"{written.folder / CARD}: should have SHA-256 {wanted}, got {got}."


def test_files_that_are_not_those_of_a_bundle_are_refused(written: Bundle) -> None:
    document = json.loads((written.folder / MANIFEST).read_text())
    digest = document["files"].pop(CARD)
    (written.folder / MANIFEST).write_text(json.dumps(document))
    assert refused(written.folder) == "manifest.json: files: should name model.onnx and CARD.md, got model.onnx."
    document["files"] |= {CARD: digest, "../../secret": digest}
    (written.folder / MANIFEST).write_text(json.dumps(document))
    assert refused(written.folder).endswith("got ../../secret, CARD.md, model.onnx.")


def test_a_graph_of_another_bundle_is_refused_even_with_its_digest_mended(written: Bundle, tmp_path: Path) -> None:
    other = handmade.bundle(tmp_path, "presurgical")
    swap_in(written.folder, other.graph)
    path = written.folder / GRAPH
    assert refused(written.folder) == (
        f"{path}: metadata: should hold the manifest of manifest.json, got another one or none."
    )


def test_a_graph_without_a_manifest_is_refused_even_with_its_digest_mended(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest]
) -> None:
    swap_in(written.folder, graph.as_bytes(made[0]))
    assert "metadata: should hold the manifest of manifest.json" in refused(written.folder)


def test_a_graph_whose_metadata_are_a_manifest_only_within_the_file_is_refused(written: Bundle) -> None:
    """As text they are the middle of a sound `manifest.json`; by themselves they are no JSON."""
    manifest = written.manifest.model_dump_json()
    said = f'{manifest},"files":{{}},"manifest":{manifest}'
    model = graph.as_bytes(graph.bake(onnx.load_model_from_string(written.graph), manifest=said))
    (written.folder / GRAPH).write_bytes(model)
    files = {GRAPH: sha256(model), CARD: sha256(written.card.encode())}
    (written.folder / MANIFEST).write_bytes(spelled(said, files))
    assert "metadata: should hold the manifest of manifest.json" in refused(written.folder)


def test_pitfall_a_graph_with_another_threshold_is_refused_even_with_digest_and_metadata_mended(
    written: Bundle,
) -> None:
    swap_in(written.folder, graph.as_bytes(graph.bake(onnx.load_model_from_string(written.graph), threshold=0.875)))
    wanted = written.manifest.point.threshold
    assert refused(written.folder) == (
        f"{written.folder / GRAPH}: threshold: should be the manifest's {wanted}, got 0.875."
    )


def test_a_graph_with_another_prevalence_is_refused_even_with_digest_and_metadata_mended(written: Bundle) -> None:
    model = onnx.load_model_from_string(written.graph)
    (place,) = [tensor for tensor in model.graph.initializer if tensor.name == "prevalence"]
    place.CopyFrom(onnx.numpy_helper.from_array(np.array([0.125], dtype=np.float32), "prevalence"))
    swap_in(written.folder, graph.as_bytes(model))
    assert re.search(r"prevalence: should be the manifest's 0\.\d+, got 0\.125\.$", refused(written.folder))


def test_a_file_that_is_no_graph_is_refused_even_with_its_digest_mended(written: Bundle) -> None:
    swap_in(written.folder, b"no graph")
    assert refused(written.folder).startswith(f"{written.folder / GRAPH}: should be an ONNX model, got: ")


def test_a_changed_manifest_is_refused_although_it_is_valid_in_itself(written: Bundle) -> None:
    text = (written.folder / MANIFEST).read_text()
    (written.folder / MANIFEST).write_text(text.replace('"purpose": "A test."', '"purpose": "A rest."'))
    assert "metadata: should hold the manifest of manifest.json" in refused(written.folder)


def test_a_bundle_of_an_older_fulcrum_that_did_not_write_today_s_defaults_still_opens(written: Bundle) -> None:
    document = json.loads((written.folder / MANIFEST).read_text())
    for later in ("evidence", "purpose"):
        del document["manifest"][later]
    older = json.dumps(document["manifest"], separators=(",", ":"), ensure_ascii=False)
    swap_in(written.folder, graph.as_bytes(graph.bake(onnx.load_model_from_string(written.graph), manifest=older)))
    files = json.loads((written.folder / MANIFEST).read_text())["files"]
    (written.folder / MANIFEST).write_bytes(spelled(older, files))
    assert open_bundle(written.folder).manifest == written.manifest.model_copy(update={"purpose": ""})


def test_writing_again_replaces_the_whole_folder_and_leaves_nothing_beside_it(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest]
) -> None:
    (written.folder / "old.txt").write_text("of the old bundle")
    again = write_bundle(written.folder, model=made[0], manifest=made[1], card="# New\n")
    assert again.folder == written.folder
    assert open_bundle(written.folder).card == "# New\n"
    assert sorted(file.name for file in written.folder.iterdir()) == [CARD, MANIFEST, GRAPH]
    assert list(written.folder.parent.iterdir()) == [written.folder]


def test_a_bundle_can_be_read_by_other_users(written: Bundle) -> None:
    assert written.folder.stat().st_mode & 0o777 == 0o755


def test_parents_are_made(tmp_path: Path) -> None:
    assert handmade.bundle(tmp_path / "a" / "b").folder == tmp_path / "a" / "b" / "handmade" / "screen"


def test_a_threshold_that_is_not_the_manifest_s_is_not_written(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest]
) -> None:
    with pytest.raises(BadBundle) as caught:
        write_bundle(written.folder, model=graph.bake(made[0], threshold=0.875), manifest=made[1], card="")
    assert str(caught.value) == f"model.onnx: threshold: should be the manifest's {made[1].point.threshold}."
    assert open_bundle(written.folder) == written


def test_what_would_not_open_is_not_written_and_the_old_bundle_stays(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest]
) -> None:
    counted = {name: getattr(made[1], name).model_copy(update={"prevalence": 0.125}) for name in ("curve", "guide")}
    other = made[1].model_copy(update={"prevalence": 0.125, **counted})
    with pytest.raises(BadBundle, match=r"prevalence: should be the manifest's 0\.125, got"):
        write_bundle(written.folder, model=made[0], manifest=other, card="")
    assert open_bundle(written.folder) == written
    assert list(written.folder.parent.iterdir()) == [written.folder]


class NoExchange:
    """A C library that has the call and refuses it, as old kernels and some file systems do."""

    def __init__(self, *_: object, **__: object) -> None:
        self.renameat2 = lambda *_: -1


class NoCall:
    def __init__(self, *_: object, **__: object) -> None:
        pass


@pytest.mark.parametrize("library", [NoExchange, NoCall])
def test_without_the_exchange_of_folders_a_bundle_is_still_replaced_whole(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest], monkeypatch: pytest.MonkeyPatch, library: type
) -> None:
    monkeypatch.setattr(bundles.ctypes, "CDLL", library)
    write_bundle(written.folder, model=made[0], manifest=made[1], card="# New\n")
    assert open_bundle(written.folder).card == "# New\n"
    assert list(written.folder.parent.iterdir()) == [written.folder]


def write_for_ever(folder: Path, model: onnx.ModelProto, manifest: Manifest) -> None:
    for turn in range(1_000_000):
        write_bundle(folder, model=model, manifest=manifest, card=f"# Card {turn}\n" * 1000)


def test_a_writer_killed_at_any_moment_leaves_the_old_bundle_or_the_new_one(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest]
) -> None:
    dice = random.Random(0)
    cards, interrupted = set(), 0
    # The busier the machine, the later a writer begins: later ones are given more time, until enough was seen.
    for turn in range(80):
        writer = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(written.folder, *made))
        writer.start()
        time.sleep(dice.uniform(0.0, 0.15) * (1 + turn / 10))
        writer.kill()
        writer.join()
        assert writer.exitcode == -9
        opened = open_bundle(written.folder)
        cards.add(opened.card)
        interrupted += len(list(written.folder.parent.glob(".screen.*"))) > interrupted
        if turn >= 20 and interrupted > 3 and len(cards) > 3:
            break
    # It was worth while: writers died in the middle of a write, and at several different ones.
    assert interrupted > 3
    assert len(cards) > 3


def test_a_reader_meets_a_whole_bundle_while_another_is_written(
    written: Bundle, made: tuple[onnx.ModelProto, Manifest]
) -> None:
    writer = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(written.folder, *made))
    writer.start()
    met = {(written.folder / MANIFEST).read_bytes() for _ in range(3000)}
    writer.kill()
    writer.join()
    assert len(met) > 1
    assert all(json.loads(text)["files"].keys() == {GRAPH, CARD} for text in met)


PROGRAM = """
import sys
from pathlib import Path
from tests import handmade
print(handmade.bundle(Path(sys.argv[1])).digest)
"""


def test_the_same_input_gives_the_same_digest_in_two_processes(tmp_path: Path) -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / seed)],
            check=True, capture_output=True, text=True, cwd=ROOT, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert digests == {f"{handmade.bundle(tmp_path).digest}\n"}


@pytest.mark.parametrize("stored", sorted(STORED.glob("format-*")), ids=lambda folder: folder.name)
def test_a_stored_bundle_of_every_format_stays_readable_and_answers_as_it_did(stored: Path) -> None:
    wanted = json.loads((stored / "answers.json").read_text())
    opened = open_bundle(stored)
    assert opened.digest == wanted["digest"]
    scores = Scorer(opened).score_rows(wanted["rows"])
    assert np.allclose(scores.probability, wanted["probability"], rtol=1e-5, atol=0)
    assert scores.positive.tolist() == wanted["positive"]
    assert scores.negative.tolist() == wanted.get("negative", [not positive for positive in wanted["positive"]])
    assert all(check.passed for check in verify(opened))
    assert len(set(wanted["positive"])) == 2
    assert opened.manifest.evidence is not None
    assert opened.manifest.probes


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_format_is_stored(number: int) -> None:
    assert json.loads((STORED / f"format-{number}" / MANIFEST).read_text())["manifest"]["format"] == number


def test_a_bundle_of_the_first_format_is_read_as_one_of_today() -> None:
    manifest = open_bundle(STORED / "format-1").manifest
    assert manifest.format == 3
    assert (manifest.curve.prevalence, manifest.version) == (manifest.prevalence, 1)
    assert (manifest.guide, manifest.groups, manifest.change_control, manifest.history) == (None, (), None, ())
    assert manifest.point.clear_below == manifest.point.threshold
    assert [str(promise) for promise in manifest.point.promises] == [
        "precision >= 0.6 at prevalence 0.2 with confidence 0.95"
    ]


def test_a_bundle_of_the_second_format_holds_all_there_may_be() -> None:
    opened = open_bundle(STORED / "format-2")
    manifest = opened.manifest
    assert manifest.point.has_zone
    assert [point.name for point in manifest.points] == ["default", *handmade.ALTERNATIVES]
    assert manifest.change_control == handmade.CHANGE_CONTROL
    assert {name.partition("=")[0] for name in manifest.group_curves} == {"eye", "age"}
    assert (manifest.version, [release.version for release in manifest.history]) == (2, [1])
    assert manifest.guide is not None
    answers = json.loads((STORED / "format-2" / "answers.json").read_text())
    undecided = [not one and not other for one, other in zip(answers["positive"], answers["negative"], strict=True)]
    assert any(undecided)


def test_a_bundle_of_the_third_format_holds_what_it_adds() -> None:
    manifest = open_bundle(STORED / "format-3").manifest
    assert manifest.columns.image is not None
    assert {symptom.scale for symptom in manifest.symptoms} == {"number", "probability", "grade"}
    assert manifest.calibration.undo == "map"
    assert manifest.calibration.loss_map is not None
    assert manifest.pulls is not None
    assert manifest.comparison is not None
    assert all(probe.image_seed is not None for probe in manifest.probes)


def test_a_zone_that_is_not_the_manifest_s_is_refused(tmp_path: Path) -> None:
    model, manifest = handmade.finished("zoned")
    closed = graph.bake(model, threshold=manifest.point.threshold)
    with pytest.raises(BadBundle) as caught:
        write_bundle(tmp_path / "zoned", model=closed, manifest=manifest, card="")
    assert str(caught.value).endswith(
        f"clear_below: should be the manifest's {manifest.point.clear_below}, got {graph.NO_ZONE}."
    )
    assert list(tmp_path.iterdir()) == []
