from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest
from typer.testing import CliRunner

from fulcrum.command_line import app
from models.bundle import Bundle, open_bundle
from models.contract import Contract
from models.curve import Counts, Curve
from models.facts.facts import Facts
from models.figures import Figures
from models.grouping import Grouping
from models.manifest import Manifest, Release
from models.report import plots
from models.report.page import Cell, Plot, Source, table
from models.report.people import KINDS, Thousand, picture, thousand
from models.report.report import Report, html, sections, write_report
from models.subgroup import Subgroup
from tests import handmade
from tests.crossed import crossed

ROOT = Path(__file__).parents[2]
STORED = ("models/covid/screen", "models/covid/presurgical", "tests/models/stored/format-1")
EMPTY_TAGS = {"meta", "link", "img", "br", "hr", "input"}


def bundle_of(manifest: Manifest) -> Bundle:
    """A bundle of which only the manifest matters."""
    return Bundle(Path("nowhere"), "ab" * 32, manifest, b"graph", "# Card\n")


def every_kind() -> Manifest:
    """A hand-made manifest with two thresholds, a symptom, groups of few, promises in a group, and a history."""
    made = handmade.finished()[1]
    contract = Contract.read("rule in with specificity >= 0.97, rule out with recall >= 0.97")
    point = contract.choose(made.curve, guide=made.curve)
    assert point.has_zone
    grouped = point.certificates[0].model_copy(
        update={"promise": point.certificates[0].promise.model_copy(update={"group": "eye=left"})}
    )
    many = Curve.of([0.001] * 50 + [0.8] * 50, [0] * 50 + [1] * 50)
    few = Curve.of([0.3, 0.61], [0, 1])
    release = Release(
        version=1, bundle="cd" * 32, site="ward 7", reason="fewer alarms", threshold=0.5, clear_below=0.5,
        prevalence=0.1, promised="recall >= 0.9",
    )  # fmt: skip
    return made.model_copy(
        update={
            "contract": contract,
            "points": (point.model_copy(update={"certificates": (*point.certificates, grouped)}),),
            "groupings": (Grouping(column="eye"), Grouping(column="new_vessels")),
            "groups": (
                Subgroup(column="eye", value="left", curve=many),
                Subgroup(column="eye", value="right", curve=many),
                Subgroup(column="new_vessels", value="yes", curve=few),
            ),
            "version": 2,
            "history": (release,),
        }
    )


@cache
def report_of(name: str) -> Report:
    return Report.of(bundle_of(every_kind()) if name == "every kind" else open_bundle(ROOT / name))


@cache
def page_of(name: str) -> str:
    return html(report_of(name))


EVERY = pytest.mark.parametrize("name", [*STORED, "every kind"])


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text inside each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str]]] = []
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given, [name for name, _ in self.open]))
        if tag not in EMPTY_TAGS:
            self.open.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, [name for name, _ in self.open]))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self.open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        for tag, _ in self.open:
            self.texts.setdefault(tag, []).append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@cache
def seen(name: str) -> Page:
    return Page(page_of(name))


# The files


def test_two_processes_with_other_hashes_write_the_same_bytes(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from models.bundle import open_bundle\n"
        "from models.report.report import write_report\n"
        f"write_report(open_bundle('{STORED[0]}'), Path(sys.argv[1]))"
    )
    for seed in ("1", "2"):
        command = [sys.executable, "-c", program, str(tmp_path / seed)]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
    for file in ("report.html", "report.json"):
        first, second = ((tmp_path / seed / file).read_bytes() for seed in ("1", "2"))
        assert first == second
    assert (tmp_path / "1" / "report.html").read_text() == page_of(STORED[0])


@EVERY
def test_the_json_holds_the_same_facts_and_is_read_back(name: str, tmp_path: Path) -> None:
    bundle = bundle_of(every_kind()) if name == "every kind" else open_bundle(ROOT / name)
    page, document = write_report(bundle, tmp_path / "new" / "folder")
    text = document.read_text()
    assert Report.model_validate_json(text) == report_of(name)
    assert json.loads(text, parse_constant=pytest.fail)
    assert page.read_text() == page_of(name)


@pytest.mark.parametrize("name", STORED)
def test_the_digests_are_those_of_the_files_of_the_bundle(name: str) -> None:
    for file, digest in report_of(name).bundle.items():
        assert hashlib.sha256((ROOT / name / file).read_bytes()).hexdigest() == digest
        assert digest in page_of(name)
    for origin in report_of(name).facts.origins:
        for digest in filter(None, [origin.counts, *origin.data.values()]):
            assert digest in page_of(name)


def test_the_command_says_where_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    done = CliRunner().invoke(app, ["report", str(ROOT / STORED[2])])
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["Wrote report/handmade/presurgical/report.html", "Wrote report/handmade/presurgical/report.json"],
    )
    assert (tmp_path / "report/handmade/presurgical/report.html").is_file()
    done = CliRunner().invoke(app, ["report", str(ROOT / STORED[2]), "--out", "there"])
    assert done.stdout.splitlines()[0] == "Wrote there/report.html"
    refused = CliRunner().invoke(app, ["report", "nowhere"])
    assert (refused.exit_code, "nowhere" in refused.stderr) == (5, True)


# The page


@EVERY
def test_nothing_runs_and_nothing_is_fetched(name: str) -> None:
    page, text = seen(name), page_of(name)
    tags = {tag for tag, _, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "img", "link", "form", "base", "audio", "video", "image"}
    for _, attributes, _ in page.elements:
        assert not [attribute for attribute in attributes if attribute.startswith("on") or attribute == "style"]
        assert not {"src", "srcset", "action", "data", "poster"} & set(attributes)
        for link in (attributes.get("href"), attributes.get("xlink:href")):
            assert link is None or link.startswith("#")
    assert not re.search(r"url\((?!#)|@import|https?:", text)


@EVERY
def test_the_policy_allows_the_one_style_sheet_and_nothing_else(name: str) -> None:
    text = page_of(name)
    (style,) = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [each["content"] for each in seen(name).all("meta") if "http-equiv" in each]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "@media print" in style
    assert "prefers-color-scheme: dark" in style
    assert text.index("<style>") < text.index("<title>")


@EVERY
def test_every_link_leads_somewhere_and_every_id_is_given_once(name: str) -> None:
    page = seen(name)
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes, _ in page.elements:
        for value in attributes.values():
            for link in re.findall(r"^#(.+)|url\(#(.+?)\)", value):
                assert "".join(link) in ids
    for attributes in page.all("section"):
        assert attributes["aria-labelledby"] in ids


@EVERY
def test_every_table_says_where_its_numbers_come_from_and_what_it_is(name: str) -> None:
    text = page_of(name)
    blocks = re.findall(r"<table.*?</table>\s*</div>\s*(<p class=\"from\">.*?</p>)?", text, flags=re.DOTALL)
    assert len(blocks) > 20
    for found in [*blocks, *re.findall(r"</dl>\s*(<p class=\"from\">.*?</p>)?", text, flags=re.DOTALL)]:
        links = re.findall(r'<a href="#(origin-\w+)">', found)
        assert links
        for link in links:
            assert f'id="{link}"' in text
    for block in re.findall(r"<table.*?</table>", text, flags=re.DOTALL):
        assert re.search(r"<caption>[^<]+</caption>", block)
        rows = re.findall(r"<tr>.*?</tr>", block, flags=re.DOTALL)
        assert len({row.count("<th") + row.count("<td") for row in rows}) == 1
        assert all(row.count('<th scope="row">') == 1 for row in rows[1:])


@EVERY
def test_every_figure_has_a_name_for_those_who_do_not_see_it_and_a_table_beside_it(name: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", page_of(name), flags=re.DOTALL)
    # One more where the bundle tells how hard its losses pulled.
    assert len(figures) == (5 if report_of(name).facts.pulls else 4)
    for figure in figures:
        drawings = figure.count("<svg")
        assert drawings
        assert len(re.findall(r'role="img" aria-label="[^"]+"', figure)) == drawings
        assert figure.count('aria-hidden="true"') == drawings
        assert "<table" in figure


@EVERY
def test_headings_come_in_their_order_and_the_language_is_told(name: str) -> None:
    page = seen(name)
    assert page.all("html") == [{"lang": "en"}]
    assert [tag for tag, _, _ in page.elements if re.fullmatch(r"h\d", tag)] == ["h1"] + ["h2"] * (
        20 if report_of(name).facts.comparison else 19
    )
    assert len(page.all("main")) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


def test_text_of_a_bundle_can_not_become_part_of_the_page() -> None:
    nasty = '<script>alert(1)</script>" style="x" @STYLE@ @POLICY@ {{ facts }}'
    made = handmade.finished()[1]
    text = html(Report.of(bundle_of(made.model_copy(update={"purpose": nasty, "study": nasty}))))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34; style=&#34;x&#34; @STYLE@ @POLICY@ {{ facts }}" in text
    (style,) = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert "<" not in style


# What it says


def rows_of(name: str, anchor: str, caption: str) -> dict[str, list[str]]:
    """The rows of a table of a section, by their names."""
    (section,) = [section for section in sections(report_of(name)) if section.anchor == anchor]
    tables = [getattr(block, "table", block) for block in section.blocks]
    (found,) = [each for each in tables if each.caption.startswith(caption)]
    return {row[0].text: [" ".join(filter(None, (cell.text, cell.aside))) for cell in row[1:]] for row in found.rows}


def test_the_counts_stand_in_a_two_by_two_table_the_test_part_first() -> None:
    made = open_bundle(ROOT / STORED[0]).manifest
    assert made.evidence is not None
    test, certified = made.evidence.measured.counts, made.point.measured.counts
    assert rows_of(STORED[0], "measured", "Point default: counts") == {
        "sick": [
            f"{number:,}" for each in (test, certified) for number in (each.hits, each.misses, each.hits + each.misses)
        ],
        "healthy": [
            f"{number:,}"
            for each in (test, certified)
            for number in (each.alarms, each.clears, each.alarms + each.clears)
        ],
    }


def test_with_two_thresholds_there_is_a_column_for_the_undecided() -> None:
    made = every_kind()
    upper, lower = (made.curve.at(limit) for limit in (made.point.threshold, made.point.clear_below))
    assert rows_of("every kind", "measured", "Point default: counts")["sick"] == [
        f"{number:,}" for number in (upper.hits, lower.hits - upper.hits, lower.misses, upper.positives)
    ]
    assert rows_of("every kind", "measured", "Point default: counts")["healthy"] == [
        f"{number:,}" for number in (upper.alarms, lower.alarms - upper.alarms, lower.clears, upper.negatives)
    ]
    ways = rows_of("every kind", "undecided", "The same people counted both ways")
    assert ways["certification: sensitivity"][0] < ways["certification: sensitivity"][1]
    assert "sick, undecided" in rows_of("every kind", "summary", "Of 1,000 people")
    assert "are left undecided." in page_of("every kind")


def test_figures_are_at_three_prevalences_with_their_intervals() -> None:
    rows = rows_of(STORED[1], "measured", "Point default: figures with 95 % intervals at three prevalences")
    for prevalence in ("8.0 %", "4.0 %", "0.80 %"):
        for figure in ("PPV (precision)", "NPV", "alerts per 1,000"):
            cells = rows[f"{figure}, {prevalence} sick"]
            assert len(cells) == 2
            assert all(re.fullmatch(r"[\d.,]+( %)? \[[\d.,]+, [\d.,]+\]", cell) for cell in cells)
    assert rows["PPV (precision), 8.0 % sick"][0] == "81.4 % [80.1, 82.8]"


def test_groups_of_few_people_are_held_back_on_the_page() -> None:
    rows = rows_of("every kind", "groups", "Subgroups at the released point")
    assert rows["new_vessels: yes"] == ["held back"] * 4
    assert rows["eye: left"][:2] == ["100", "50"]


def test_changes_are_told_whole() -> None:
    assert rows_of("every kind", "change", "Versions before")["1"] == [
        "ward 7", "fewer alarms", "recall >= 0.9", "0.5", "10.0 %", "cd" * 32,
    ]  # fmt: skip
    assert rows_of(STORED[0], "change", "Change control") == {
        "Version": ["1"],
        "Thresholds may move": ["from 0 to 1"],
        "Prevalence may be restated": ["from 1.0 % to 20.0 %"],
        "As long as": ["recall >= 0.85 with confidence 0.95"],
    }
    assert rows_of(STORED[2], "change", "Change control")["Foreseen"] == ["no change after release"]
    made = open_bundle(ROOT / STORED[0]).manifest
    assert made.change_control is not None
    fixed = made.model_copy(update={"change_control": made.change_control.model_copy(update={"prevalences": None})})
    assert "not at all" in html(Report.of(bundle_of(fixed)))


def test_a_bundle_of_the_first_format_says_on_the_page_what_is_lacking() -> None:
    text = page_of(STORED[2])
    assert "The bundle holds no curve of the test cases to draw." in text
    assert "the bundle holds no digest of them" in text
    assert "The promise, precision &gt;= 0.6 at prevalence 0.2 with confidence 0.95, was kept on the 300 test" in text


def test_what_was_kept_and_what_stands_out_is_on_top() -> None:
    (summary,) = [section for section in sections(report_of(STORED[0])) if section.anchor == "summary"]
    assert summary.text[0] == "The promise, recall >= 0.9 with confidence 0.95, was kept on the 47,401 test cases."
    assert summary.text[1] == (
        "Of 1,000 people of whom 76 are sick, 610 are flagged: 72 of them are sick, 538 are alarmed in vain."
        " 5 of the sick are missed."
    )
    assert summary.warnings == report_of(STORED[0]).facts.stands_out != ()
    assert "There was no test part to keep it on." in page_of("every kind")
    made = open_bundle(ROOT / STORED[1]).manifest
    assert made.evidence is not None
    broken = made.model_copy(update={"evidence": made.evidence.model_copy(update={"kept": False})})
    assert "was NOT kept on the 47,401 test cases." in html(Report.of(bundle_of(broken)))


def test_without_a_curve_nothing_is_drawn_and_that_is_said() -> None:
    made = handmade.finished()[1]
    sick = Curve.model_validate({**made.curve.model_dump(), "negatives": tuple(0 for _ in made.curve.negatives)})
    measured = made.point.measured.model_copy(update={"counts": sick.at(made.point.threshold)})
    point = made.point.model_copy(update={"measured": measured})
    text = html(Report.of(bundle_of(made.model_copy(update={"curve": sick, "points": (point,)}))))
    assert "<svg" not in text
    assert "The bundle holds no curve of the certification cases to draw." in text
    assert "There are no cases of one kind, so nothing is said of 1,000 people." in text


def test_the_shares_filled_are_those_of_the_guidelines() -> None:
    rows = rows_of(STORED[0], "guidelines", "Items that this report fills")
    for found in report_of(STORED[0]).guidelines:
        assert rows[found.name][1:3] == [str(found.filled), str(found.applicable)]
        assert rows[found.name][3] == f"{100 * found.share:.1f} %"


# Its parts


def test_a_table_needs_a_source_and_rows_of_one_length() -> None:
    with pytest.raises(ValueError, match=r"^Sizes: a table should name the source of its numbers, got none\.$"):
        table("Sizes", ("a",), [("1",)], [])
    with pytest.raises(ValueError, match=r"^Sizes: row 1: should have 2 cells, got 1\.$"):
        table("Sizes", ("a", "b"), [("1", "2"), ("1",)], [Source("here", "these")])
    found = table("Sizes", ("a", "b"), [("1", ("2", "3"))], [Source("here", "these")] * 2)
    assert found.rows == ((Cell("1"), Cell("2", "3")),)
    assert found.sources == (Source("here", "these"),)


@pytest.mark.parametrize("prevalence", [0.0004, 0.01, 0.076, 0.5])
def test_a_thousand_people_are_a_thousand_and_each_is_one_mark(prevalence: float) -> None:
    counts, below = Counts(hits=80, misses=20, alarms=51, clears=949), Counts(hits=95, misses=5, alarms=203, clears=797)
    found = Figures.of(counts, prevalence=prevalence, below=below)
    people = thousand(found)
    assert people is not None
    assert sum(people) == 1000
    for (name, _), number in zip(KINDS, people, strict=True):
        assert number == pytest.approx(getattr(found.per_1000, name), abs=1.51)
    drawn = picture(people)
    assert drawn.count("M") == 1000
    for (name, _), number in zip(KINDS, people, strict=True):
        assert drawn.count(f'class="{name}"') == (number > 0)


def test_the_kinds_of_people_are_those_that_are_drawn() -> None:
    assert tuple(name for name, _ in KINDS) == Thousand._fields


def test_where_fewer_than_one_in_a_thousand_is_missed_that_is_said() -> None:
    made = handmade.finished()[1]
    measured = made.point.measured
    facts = Facts.of(made.model_copy(update={"prevalence": 0.001}))
    assert facts.certification.released.counts == measured.counts
    rare = made.point.model_copy(
        update={
            "certificates": tuple(
                each.model_copy(update={"promise": each.promise.model_copy(update={"prevalence": 0.001})})
                for each in made.point.certificates
            )
        }
    )
    (summary, *_) = sections(Report.of(bundle_of(made.model_copy(update={"points": (rare,)}))))
    assert "Fewer than one of the sick are missed." in summary.text[1]


def test_a_drawing_is_bare_and_its_colours_are_those_of_the_page() -> None:
    facts = report_of(STORED[0]).facts
    for draw in (plots.roc, plots.precision_recall, plots.calibration, plots.decision):
        svg = draw(facts)
        assert svg == draw(facts)
        assert svg.startswith('<svg viewBox="0 0 331.2 280.8" aria-hidden="true">')
        assert svg.endswith("</svg>")
        assert not re.search(r"<metadata|<style|<!--|#[0-9a-f]{6}\b|font-family|matplotlib", svg)
        assert {"var(--ink)", "var(--grid)", "var(--first)"} <= set(re.findall(r"var\(--\w+\)", svg))


def test_what_a_machine_prefers_in_its_drawings_changes_nothing() -> None:
    facts = report_of(STORED[0]).facts
    plain = plots.roc(facts)
    with mpl.rc_context({"axes.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert plots.roc(facts) == plain
        assert mpl.rcParams["font.size"] == 30


def test_points_without_a_place_on_the_curve_are_not_marked() -> None:
    facts = report_of(STORED[0]).facts
    assert facts.test is not None
    nobody = facts.test.points[0].figures[0]
    lost = nobody.precision.model_copy(update={"value": None})
    figures = (nobody.model_copy(update={"precision": lost}), *facts.test.points[0].figures[1:])
    point = facts.test.points[0].model_copy(update={"figures": figures})
    test = facts.test.model_copy(update={"points": (point, *facts.test.points[1:])})
    marks = [plots.precision_recall(each).count("<use") for each in (facts, facts.model_copy(update={"test": test}))]
    assert marks[0] - marks[1] == 1


def test_a_point_beyond_the_decision_curve_is_not_marked_on_it() -> None:
    facts = report_of(STORED[0]).facts
    assert facts.test is not None
    assert facts.test.drawn is not None
    points = facts.test.drawn.decision_points
    far = points.model_copy(update={"thresholds": (0.95, *points.thresholds[1:])})
    test = facts.test.model_copy(update={"drawn": facts.test.drawn.model_copy(update={"decision_points": far})})
    assert "point default" in plots.decision(facts)
    assert "point default" not in plots.decision(facts.model_copy(update={"test": test}))


# Cross-fitted models


def texts_of(report: Report) -> dict[str, str]:
    """What each section says, tables and figures aside."""
    return {section.anchor: " ".join(section.text) for section in sections(report)}


def crossed_rows(report: Report, anchor: str, caption: str) -> dict[str, list[str]]:
    (section,) = [section for section in sections(report) if section.anchor == anchor]
    (found,) = [block for block in section.blocks if not isinstance(block, Plot) and block.caption.startswith(caption)]
    return {row[0].text: [" ".join(filter(None, (cell.text, cell.aside))) for cell in row[1:]] for row in found.rows}


@cache
def crossed_report() -> Report:
    return Report.of(bundle_of(crossed()))


def test_the_page_of_a_cross_fitted_model_says_what_was_done_where_it_matters() -> None:
    told = texts_of(crossed_report())
    aside = "The certification cases are not a part set aside: they taught too."
    for anchor in ("summary", "promise", "data", "methods"):
        assert aside in told[anchor], anchor
    for anchor in ("promise", "data", "methods"):
        assert "shown by simulation, not proved (docs/cross-fitting.md)" in told[anchor], anchor
    worse = "Each certification case counts at the worse of two scores"
    for anchor in ("measured", "curves", "comparison"):
        assert worse in told[anchor], anchor
    assert "The certification cases are drawn at the worse of two scores each" in told["probabilities"]
    assert "Dealt into folds by: CrossFit (folds 5, repeats 2, test 0, certify one each False)." in told["data"]
    for anchor in ("measured", "data"):
        assert "Nothing was set aside to test on. To have some cases set aside, write test=0.15 into" in told[anchor]
    page = html(crossed_report())
    assert "validation part" not in page
    assert "certification part" not in page


def test_the_tables_of_a_cross_fitted_model_name_cases_and_scores() -> None:
    report = crossed_report()
    assert list(crossed_rows(report, "data", "Parts of the data")) == ["training", "certification"]
    assert crossed_rows(report, "data", "Parts of the data")["certification"][0] == (
        "fitting too; scored by copies that did not see them, choosing and certifying thresholds"
    )
    steps = crossed_rows(report, "probabilities", "From the network's logit")
    assert "then times, fitted on the out-of-fold scores of the training part" in steps
    assert list(crossed_rows(report, "probabilities", "Reliability before and after")) == [
        "after the undo alone, training part, out of fold",
        "after the fitted line, training part, out of fold",
    ]
    assert "certification, cross-fitted, 4,000 cases" in html(report)
    (item,) = [row for name, row in crossed_rows(report, "guidelines", "TRIPOD+AI").items() if name == "12a"]
    assert item[-1].endswith(
        "making.split, origins. By cross-fitting: every case taught, and is certified on by copies of the model that"
        " never saw it."
    )


def test_every_network_that_answers_has_its_losses_and_its_budget_on_the_page() -> None:
    report = crossed_report()
    assert texts_of(report)["making"].startswith("3 networks answer together, by the mean of their logits. For each")
    assert list(crossed_rows(report, "making", "Losses of the first network")) == ["sick"]
    assert crossed_rows(report, "making", "Losses of network 2")["weights"] == ["nothing", "SquaredSize", "0.25"]
    assert list(crossed_rows(report, "making", "Losses of network 3")) == ["sick"]
    settings = crossed_rows(report, "making", "Settings")
    assert settings["Network 2"] == ["Linear"]
    assert settings["Training of network 2"] == ["epochs 40, schedule whole"]
    assert settings["Emptied in training of network 2"] == ["20.0 % of the same cells"]
    assert settings["Network 3"] == ["TabM (copies 8)"]
    assert settings["Training of network 3"] == ["epochs 50, schedule cosine"]
    assert "Emptied in training of network 3" not in settings


def test_with_a_test_part_the_page_tells_it_from_cases_that_taught() -> None:
    told = texts_of(Report.of(bundle_of(crossed(tested=True))))
    assert told["measured"].startswith(
        "The test part comes first: nothing was chosen on it. The certification cases beside it taught too, and are"
        " those that the thresholds were chosen on, so their figures are favourable by as much as the choice was."
    )
    assert "set aside" not in told["summary"]
    assert "Nothing was set aside" not in " ".join(told.values())


@pytest.mark.parametrize("name", STORED)
def test_pages_of_other_models_do_not_speak_of_cross_fitting(name: str) -> None:
    page = page_of(name)
    for words in ("cross-fit", "out of fold", "out-of-fold", "taught too", "worse of two", "set aside"):
        assert words not in page, words
