"""A ready-to-train study file from somebody's own table."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Counts
from models.errors import BadStudy
from models.schema import Categorical, Column
from training.inferred import Inferred, infer
from training.net import EMBEDDING, INPUTS
from training.recipe import ADDITIVE, Recipe, recipe
from training.sources.file import read_file
from training.term import WEIGHTS

# Words people write for "not known". They are named in the study file, where they can be corrected.
EMPTY_WORDS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
# Of a column whose subgroups are told apart, and so many columns of them.
FEW_CATEGORIES, MOST_GROUPINGS = 5, 3
# With so many positives a part of the table can be spared to test on; with fewer, every row is worth more elsewhere.
SPARED_FROM, SPARED = 2000, 0.15


TWO_KINDS = "# Two kinds of networks answer: one in which columns act on each other, and an additive one of bent lines."


@dataclass(frozen=True)
class Asked:
    """What is to be promised: recall of the screen and precision of the pre-surgical model, with what confidence.

    None asks for the highest usual one that the table can be expected to carry. `prevalence` is that of the precision;
    None is the share of positives in the table. `searched` is the share of the rows that a search may choose by.
    """

    recall: float | None = None
    precision: float | None = None
    confidence: float = 0.9
    prevalence: float | None = None
    searched: float = 0.0


def study_text(
    table: Path,
    *,
    target: str,
    positive: str,
    name: str,
    group: str | None = None,
    drop: Sequence[str] = (),
    asked: Asked = Asked(),  # frozen
) -> str:
    """The Python text of a study of a CSV or Parquet file.

    Raises NoData if the file can not be read; BadStudy naming the column or the value that is not there, or
    if nothing is left to learn from.
    """
    rows = read_file(table, EMPTY_WORDS)
    for column in (target, *([group] if group else []), *drop):
        if column not in rows.columns:
            raise BadStudy(f"{table}: should have a column {column}, got {', '.join(rows.columns)}.")
    outcome = rows[target].cast(pl.String)
    positives = int((outcome == positive).sum())
    if not 0 < positives < rows.height - outcome.null_count():
        kinds = ", ".join(sorted(str(kind) for kind in outcome.drop_nulls().unique().to_list())[:10])
        raise BadStudy(f"{table}: {target}: {positive} should be one of its several cells, got {kinds}.")
    if outcome.null_count():
        raise BadStudy(f"{table}: {target}: should be known in every row, got {outcome.null_count()} empty cells.")
    if group == target:
        raise BadStudy(f"{table}: {target}: says who is sick, so it should not name the patient too.")
    inferred = infer(rows.drop({target, *([group] if group else []), *drop}))
    if not inferred.columns:
        raise BadStudy(f"{table}: no column is left to learn from: {_reasons(inferred)}.")
    words = _empty_words(table, rows)
    return _text(table, name, target, positive, group, inferred, words, rows.height, positives, asked)


def _empty_words(table: Path, rows: pl.DataFrame) -> list[str]:
    """Which of the words for "not known" the file really uses."""
    if table.suffix.lower() == ".parquet":
        return []
    plain = read_file(table)
    return [word for word in EMPTY_WORDS if any((plain[name].str.strip_chars() == word).any() for name in rows.columns)]


def _reasons(inferred: Inferred) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in inferred.left_out.items()) or "there is none"


def _recall(positives: int, confidence: float) -> float:
    """The highest usual recall that so many positives can carry."""
    usual = (0.95, 0.9, 0.85, 0.8)
    needed = ((level, Recall(at_least=level, confidence=confidence).positives_needed) for level in usual)
    return next((level for level, count in needed if count <= positives), usual[-1])


def _precision(prevalence: float, sick: int, healthy: int, confidence: float) -> float:
    """The highest usual precision that a fair model, flagging half of the sick and 2 % of the healthy, can carry."""
    hits, alarms = sick // 2, math.ceil(0.02 * healthy)
    counts = Counts(hits=hits, misses=sick - hits, alarms=alarms, clears=healthy - alarms)
    bound = Precision(at_least=0.5, prevalence=prevalence, confidence=confidence).promises[0].carried(counts)
    return max((level for level in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1) if level <= bound), default=0.05)


def _groupings(columns: Sequence[Column]) -> str:
    """The line of the study that names its subgroups: the first few columns with few categories."""
    few = [column for column in columns if isinstance(column, Categorical) and len(column.categories) <= FEW_CATEGORIES]
    if not few:
        return ""
    inside = " ".join(f"Grouping(column={_literal(column.name)})," for column in few[:MOST_GROUPINGS])
    return f"    # Figures are stated for these too; add those that matter to you.\n    groupings=({inside}),\n"


def _written(column: Column) -> str:
    """A column as Python text, defaults left out."""
    fields = column.model_dump(exclude_defaults=True)
    fields.pop("kind")
    inside = ", ".join(f"{name}={_literal(value)}" for name, value in fields.items())
    return f"{type(column).__name__}({inside})"


def _literal(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_literal(part) for part in value)}{',' if len(value) == 1 else ''})"
    return (
        f'"{value}"' if isinstance(value, str) and value.isprintable() and not set(value) & {'"', "\\"} else repr(value)
    )


def _in_comment(text: str) -> str:
    """A name on one line, whatever it holds: what follows a line end would be run."""
    return text if text.isprintable() else repr(text)


def identifier(text: str) -> str:
    """A name made of small letters, digits and underscores.

    >>> identifier("Death within 5 years?")
    'death_within_5_years'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"study_{plain}".rstrip("_")


def _text(  # noqa: PLR0917  # every blank of the form
    table: Path,
    name: str,
    target: str,
    positive: str,
    group: str | None,
    inferred: Inferred,
    words: Sequence[str],
    height: int,
    positives: int,
    asked: Asked,
) -> str:
    head = identifier(target)
    if head in {WEIGHTS, INPUTS, EMBEDDING}:
        head = f"is_{head}"
    spared = SPARED if positives >= SPARED_FROM else 0.0
    certified = math.floor(positives * (1 - spared) * (1 - asked.searched))
    prevalence = asked.prevalence or positives / height
    confidence = asked.confidence
    sure = _literal(confidence)
    healthy = math.floor((height - positives) * (1 - spared) * (1 - asked.searched))
    precision = asked.precision or _precision(prevalence, certified, healthy, confidence)
    recall = asked.recall or _recall(certified, confidence)
    around = f"({prevalence / 4:.4g}, {min(prevalence * 4, 0.9):.4g})"
    told_apart = _groupings(inferred.columns)
    grouping = "from models.grouping import Grouping\n" if told_apart else ""
    used = sorted({type(column).__name__ for column in inferred.columns})
    empty = f", empty={_literal(tuple(words))}" if words else ""
    columns = "\n".join(f"            {_written(column)}," for column in inferred.columns)
    left_out = "".join(
        f"# Left out: {_in_comment(column)}, because {reason}.\n" for column, reason in inferred.left_out.items()
    )
    made = recipe(math.floor(height * (1 - spared)), math.floor(positives * (1 - spared)))
    return f'''"""{name}: {head}, {height:,} rows of which {positives:,} positive."""

from models.background import Background
from models.change_control import ChangeControl
from models.contracts.precision import Precision
from models.contracts.recall import Recall
{grouping}from models.schema import {", ".join([*used, "Schema"])}
from training.losses.cost_weighted import CostWeighted
{_additive_imports(made)}from training.networks.mlp import MLP
from training.numbers.bounded_bins import BoundedBins
from training.sources.file import File
from training.split import CrossFit
from training.study import {"Beside, " if made.size.additive else ""}Budget, Model, Outcome, Study
from training.term import {"WEIGHTS, " if made.size.additive else ""}Term

# Kinds, ranges and categories were read off the table. Correct them where more can be true, or less: a row
# outside of them will be refused. Say in `meaning` and `unit` what a column is; callers will read it.
{left_out}
# Weighting misses or alarms rarely ranks people better (`fulcrum compare` tells whether it does here), so both models
# learn plain probabilities, and differ in where they are cut.
numbers = BoundedBins(bins={made.size.bins})
outcome = Term(on={_literal(head)}, against={_literal(head)}, by=CostWeighted())
{_networks(made)}
study = Study(
    name={_literal(name)},
    source=File(path={_literal(str(table))}{empty}),
    columns=Schema(
        columns=(
{columns}
        )
    ),
    outcome=Outcome(name={_literal(head)}, column={_literal(target)}, positive={_literal(positive)}),
    # What only you can tell fills the report; models/background.py lists all that may be told.
    background=Background(population="", setting="", eligibility="", reference_standard="", funding=""),
{told_apart}    # Every row teaches, and is certified on by copies of the networks that never saw it.
    split={_split(made, spared, group, asked.searched)},
    models=(
        Model(
            name="screen",
            purpose="Who should be looked at again: misses few of the sick.",
            # About {certified} positives are certified on.
            contract=Recall(at_least={_literal(recall)}, confidence={sure}),
            # What may be turned after release: within this, live and at once; beyond it, by a new release.
            change_control=ChangeControl(
                criteria=(Recall(at_least={recall - 0.05:.4g}, confidence={sure}),), prevalences={around}
            ),
            **networks,
        ),
        Model(
            name="presurgical",
            purpose="Who can be treated at once: few of the healthy are.",
            # At the share of positives in the table; name the share where it will be used.
            contract=Precision(at_least={_literal(precision)}, prevalence={prevalence:.4g}, confidence={sure}),
            change_control=ChangeControl(
                criteria=(
                    Precision(at_least={precision * 0.8:.4g}, prevalence={prevalence:.4g}, confidence={sure}),
                ),
                prevalences={around},
            ),
            **networks,
        ),
    ),
)
'''


def _additive_imports(made: Recipe) -> str:
    if not made.size.additive:
        return ""
    return "from training.losses.squared_size import SquaredSize\nfrom training.networks.linear import Linear\n"


def _networks(made: Recipe) -> str:
    """The networks that answer, as text."""
    size = made.size
    budget = f"epochs={size.epochs}, batch={size.batch}, learning_rate={size.rate:g}"
    dropout = f", dropout={size.dropout}" if size.dropout else ""
    main = f"""networks = {{
    "network": MLP(hidden=({size.hidden},){dropout}, numbers=numbers),
    "terms": (outcome,),
    "budget": Budget({budget}, schedule="cosine", decay={size.decay}),
"""
    if not size.additive:
        return f"{main}}}\n"
    additive = f"""{TWO_KINDS}
additive = Beside(
    network=Linear(numbers=numbers),
    terms=(outcome, Term(on=WEIGHTS, by=SquaredSize(), weight={made.ridge:g})),
    budget=Budget(epochs={ADDITIVE.epochs}, schedule="whole"),
)
"""
    return f'{additive}{main}    "beside": (additive,),\n}}\n'


def _split(made: Recipe, spared: float, group: str | None, searched: float) -> str:
    fields = [f"folds={made.size.folds}", f"repeats={made.size.repeats}"]
    fields += [f"test={spared}"] if spared else []
    fields += [f"column={_literal(group)}", "certify_one_each=True"] if group else []
    fields += [f"searched={searched}"] if searched else []
    return f"CrossFit({', '.join(fields)})"
