"""A form with one person, text fields and a photograph -> the rows and the setting that JSON would give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from models.errors import BadInput, Refusal, shown
from models.inputs import Inputs
from models.schema import Schema
from models.turn import RULES, Setting
from serving.refusals import NotAForm

FORM = "multipart/form-data"
# What a request says beside its rows.
SETTING = ("operating_point", "prevalence")


@dataclass
class Fields:
    """The fields of a form as they came: `text` and `files` by name, `doubled` the names that came again."""

    text: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    doubled: dict[str, None] = field(default_factory=dict)
    whole: bool = False

    def add_text(self, got: Field) -> None:
        name = self._name(got.field_name)
        try:
            self.text[name] = (got.value or b"").decode()
        except UnicodeDecodeError as error:
            raise NotAForm(
                [Refusal(name, "should be text in UTF-8", f"byte 0x{error.object[error.start]:02x}")]
            ) from None

    def add_file(self, got: File) -> None:
        name = self._name(got.field_name)
        got.file_object.seek(0)
        self.files[name] = got.file_object.read()
        got.close()

    def end(self) -> None:
        self.whole = True

    def _name(self, got: bytes | None) -> str:
        name = (got or b"").decode(errors="replace")
        if name in self.text or name in self.files:
            self.doubled[name] = None
        return name


def is_form(content_type: str) -> bool:
    """Whether a content type says that the body is a form."""
    return content_type.partition(";")[0].strip().lower() == FORM


def settings_of(schema: Schema, *, own_point: bool) -> tuple[str, ...]:
    """The fields beside those of a row; one that is called like a column is not there, and JSON can say it."""
    return tuple(name for name in (SETTING if own_point else SETTING[1:]) if name not in schema.asked)


def read_form(schema: Schema, body: bytes, content_type: str, *, own_point: bool) -> tuple[Inputs, Setting]:
    """One person, each column a text field that is read as a cell of a CSV file is, the photograph a file.

    Raises NotAForm if the body can not be read, BadInput naming every bad field.
    """
    fields = _fields(body, content_type)
    settings = settings_of(schema, own_point=own_point)
    known = (*schema.asked, *settings)
    refused = [Refusal(name, "should be given once", "several of that name") for name in fields.doubled]
    refused += [
        Refusal(name, f"is not a field of this form ({', '.join(known)})", _came(fields, name))
        for name in (*fields.text, *fields.files)
        if name not in known
    ]
    refused += _of_another_kind(schema, fields, settings)
    named = {refusal.path for refusal in refused}
    import polars as pl  # noqa: PLC0415  # only where there are photographs

    from models.table import encode_table  # noqa: PLC0415  # the same

    columns = {name: pl.Series([fields.text.get(name)], dtype=pl.String) for name in schema.names}
    if schema.image:
        columns[schema.image.name] = pl.Series([fields.files.get(schema.image.name)], dtype=pl.Binary)
    encoded = encode_table(schema, pl.DataFrame(columns))
    within = [Refusal(each.path.removeprefix("rows.0."), each.rule, each.got) for each in encoded.refused]
    refused += [refusal for refusal in within if refusal.path not in named]
    try:
        setting = _setting(fields, settings)
    except BadInput as error:
        refused += error.refusals
    if refused:
        raise BadInput(refused)
    return encoded.inputs, setting


def _fields(body: bytes, content_type: str) -> Fields:
    fields = Fields()
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise NotAForm([Refusal("content-type", "should name the boundary of the form", shown(content_type))])
    # Everything is kept in memory: a patient's photograph is written to no disk.
    options = {"MAX_MEMORY_FILE_SIZE": float("inf"), "UPLOAD_ERROR_ON_BAD_CTE": True}
    try:
        parser = FormParser(FORM, fields.add_text, fields.add_file, fields.end, boundary=boundary, config=options)
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise NotAForm([Refusal("body", f"should be {FORM}", str(error))]) from None
    if not fields.whole:
        raise NotAForm([Refusal("body", "should be sent whole", "a form without its end")])
    return fields


def _of_another_kind(schema: Schema, fields: Fields, settings: Iterable[str]) -> list[Refusal]:
    """Fields that are not there, files where text is asked for, and text where the photograph is."""
    image = schema.image.name if schema.image else None
    refused = []
    for name in schema.asked:
        came = fields.files if name == image else fields.text
        if name not in fields.text and name not in fields.files:
            refused.append(Refusal(name, f"{schema.rule(name)}, and always given", "nothing"))
        elif name not in came:
            refused.append(
                Refusal(
                    name, f"{schema.rule(name)}, sent as {'a file' if name == image else 'text'}", _came(fields, name)
                )
            )
    refused += [Refusal(name, f"{RULES[name]}, sent as text", "a file") for name in settings if name in fields.files]
    return refused


def _came(fields: Fields, name: str) -> str:
    return shown(fields.text[name]) if name in fields.text else "a file"


def _setting(fields: Fields, settings: Iterable[str]) -> Setting:
    told = {name: text for name in settings if (text := fields.text.get(name, "").strip())}
    prevalence = told.get("prevalence")
    try:
        share = None if prevalence is None else float(prevalence)
    except ValueError:
        raise BadInput([Refusal("prevalence", RULES["prevalence"], shown(prevalence))]) from None
    return Setting.told(told.get("operating_point"), share)
