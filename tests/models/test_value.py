from __future__ import annotations

import pytest
from pydantic import ValidationError

import models.manifest  # noqa: F401  # it loads every contract
from models.contract import Contract
from models.value import Member, Value, descendants, members_in_words


class Shape(Member):
    pass


class Circle(Shape):
    radius: float = 1.0


class Ring(Circle):
    hole: float = 0.5


class Drawing(Value):
    title: str
    shape: Shape


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Circle(radius=bad)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Circle.model_validate({"radius": 1.0, "colour": "red"})


def test_a_value_can_not_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Circle().radius = 2.0  # type: ignore[misc]  # that is the point


def test_values_are_equal_and_hash_alike_if_their_fields_do() -> None:
    assert Circle(radius=2) == Circle(radius=2.0)
    assert hash(Circle(radius=2)) == hash(Circle(radius=2.0))
    assert Circle(radius=2) != Ring(radius=2)


def test_pitfall_a_field_typed_as_a_base_class_is_written_whole_and_not_as_empty() -> None:
    drawing = Drawing(title="o", shape=Ring(radius=3.0))
    assert drawing.model_dump() == {"title": "o", "shape": {"kind": "Ring", "radius": 3.0, "hole": 0.5}}
    assert Drawing.model_validate_json(drawing.model_dump_json()) == drawing
    assert type(Drawing.model_validate(drawing.model_dump()).shape) is Ring


def test_a_plain_value_in_a_field_of_its_base_class_is_written_whole() -> None:
    class Thing(Value):
        name: str

    class Book(Thing):
        pages: int

    class Shelf(Value):
        things: tuple[Thing, ...]

    assert Shelf(things=(Book(name="b", pages=9),)).model_dump() == {"things": ({"name": "b", "pages": 9},)}


@pytest.mark.parametrize("kind", ["Square", 5, ["Circle"], {}])
def test_an_unknown_kind_is_named_with_those_there_are(kind: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate({"title": "o", "shape": {"kind": kind}})
    assert caught.value.errors()[0]["msg"] == f"Value error, kind should be one of Circle, Ring, got {kind!r}"


def test_a_family_that_is_abstract_needs_a_kind() -> None:
    with pytest.raises(ValidationError) as caught:
        Contract.model_validate({"at_least": 0.9})
    kinds = "Capacity, Cost, NPV, Precision, Recall, RecallInEveryGroup, RuleInOut, Several, Specificity"
    assert caught.value.errors()[0]["msg"] == f"Value error, kind should be one of {kinds}, got None"


def test_a_member_reads_its_own_fields_without_a_kind() -> None:
    assert Circle.model_validate({"radius": 4}) == Circle(radius=4.0)


def test_a_bad_field_of_a_member_is_named_by_its_path() -> None:
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate({"title": "o", "shape": {"kind": "Circle", "radius": "wide"}})
    assert caught.value.errors()[0]["loc"] == ("shape", "radius")


def test_descendants_are_found_at_every_depth() -> None:
    assert descendants(Shape) == [Circle, Ring]
    assert members_in_words(Shape) == "Circle, Ring"


def test_a_class_may_not_be_called_like_one_of_its_family_that_comes_with_the_project() -> None:
    with pytest.raises(TypeError) as caught:
        type("Recall", (Contract,), {"__module__": "somewhere"})
    assert str(caught.value) == (
        "Recall should have a name of its own, got that of one in models.contracts.recall."
    ).removesuffix(".")
    read = Contract.model_validate({"kind": "Recall", "at_least": 0.9})
    assert type(read).__module__ == "models.contracts.recall"


def test_of_a_class_that_is_defined_twice_outside_the_last_counts() -> None:
    class Shape(Member):
        pass

    first = type("Round", (Shape,), {"__module__": "somewhere"})
    second = type("Round", (Shape,), {"__module__": "somewhere"})
    read = Shape.model_validate({"kind": "Round"})
    assert type(read) is second
    assert type(read) is not first
