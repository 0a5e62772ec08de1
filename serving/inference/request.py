"""A request of the Open Inference Protocol -> the rows, the setting and the outputs that it asks for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.arrays import Cells, encode_arrays
from models.errors import BadInput, Refusal, shown
from models.inputs import Inputs
from models.schema import Schema
from models.turn import Setting
from serving.inference.datatypes import from_bytes, from_json, takes
from serving.inference.frame import Frame, Tensor, Wanted, read_frame
from serving.refusals import NAMED, TooLarge

HEADER = "Inference-Header-Content-Length"
SIZE, BINARY, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
# The protocol has 64 bits for a size.
MOST = 2**63 - 1
# What clients of the protocol may send beside, and mean nothing by it as long as it is one of these.
NOTHING: Mapping[str, tuple[Any, ...]] = {
    "sequence_id": (0, ""),
    "sequence_start": (False,),
    "sequence_end": (False,),
    "priority": (0,),
    "timeout": (0,),
}


@dataclass(frozen=True)
class Asked:
    """What is asked: `outputs` holds the name of each, in order, and whether it is to be sent as bytes."""

    id: str | None
    setting: Setting
    inputs: Inputs
    outputs: Mapping[str, bool]


def read(schema: Schema, known: Iterable[str], sent: bytes, length: str | None, *, max_rows: int) -> Asked:
    """Read a body: JSON, and behind its first `length` bytes the tensors that are sent as bytes.

    `known` are the outputs of the model. Raises NotJson, TooLarge, or BadInput naming whatever breaks the contract.
    """
    end = _end(sent, length)
    frame = read_frame(sent[:end])
    known = tuple(known)
    if refused := [
        *_names("inputs", frame.inputs, schema.asked),
        *_names("outputs", frame.outputs, known),
        *_check_parameters(frame),
        *(refusal for tensor in frame.inputs for refusal in _check(schema, tensor)),
    ]:
        raise BadInput(refused)
    rows = _rows(schema, frame.inputs, max_rows)
    cells = _cells(frame.inputs, sent[end:], rows)
    inputs = encode_arrays(schema, cells, at="inputs", most_named=NAMED)
    every = bool(frame.parameters.get(ALL_BINARY))
    outputs = {wanted.name: bool(wanted.parameters.get(BINARY, every)) for wanted in frame.outputs}
    return Asked(frame.id, _setting(frame), inputs, outputs or dict.fromkeys(known, every))


def in_parameters(error: BadInput) -> BadInput:
    """What is wrong with a setting, by the path at which this protocol has it."""
    return BadInput([Refusal(f"parameters.{each.path}", each.rule, each.got) for each in error.refusals])


def _end(sent: bytes, length: str | None) -> int:
    """Where the JSON of a body ends."""
    if length is None:
        return len(sent)
    if not re.fullmatch("[0-9]{1,12}", length) or int(length) > len(sent):
        rule = f"should be the length of the JSON at the beginning of the body, from 0 to {len(sent)}"
        raise BadInput([Refusal(HEADER, rule, shown(length))])
    return int(length)


def _names(part: str, given: list[Tensor] | list[Wanted], known: tuple[str, ...]) -> list[Refusal]:
    """Names that are not known or come twice, and inputs that do not come."""
    times, kind = Counter(each.name for each in given), part.removesuffix("s")
    refused = [
        Refusal(f"{part}.{name}", f"is not an {kind} of this model ({', '.join(known)})", "one")
        for name in times
        if name not in known
    ]
    refused += [
        Refusal(f"{part}.{name}", "should be given once", "several of that name")
        for name, count in times.items()
        if count > 1
    ]
    if part == "inputs":
        refused += [Refusal(f"{part}.{name}", "should always be given", "nothing") for name in known if not times[name]]
    return refused


def _check_parameters(frame: Frame) -> list[Refusal]:
    """What is wrong with the parameters of a request and of its outputs, but for the setting."""
    known = (*Setting.model_fields, ALL_BINARY)
    refused = _switch("parameters", ALL_BINARY, frame.parameters)
    for name, value in frame.parameters.items():
        if name in NOTHING:
            if value not in NOTHING[name]:
                rule = "is not kept by this service, and should be left out"
                refused.append(Refusal(f"parameters.{name}", rule, shown(value)))
        elif name not in known:
            rule = f"is not a parameter of this model ({', '.join(known)})"
            refused.append(Refusal(f"parameters.{name}", rule, shown(value)))
    for wanted in frame.outputs:
        at = f"outputs.{wanted.name}.parameters"
        refused += [*_others(at, wanted.parameters, BINARY), *_switch(at, BINARY, wanted.parameters)]
    return refused


def _others(at: str, parameters: Mapping[str, Any], known: str) -> list[Refusal]:
    """Parameters of a tensor that are not known."""
    rule = f"is not supported here, where there is {known} alone"
    return [Refusal(f"{at}.{name}", rule, shown(value)) for name, value in parameters.items() if name != known]


def _switch(at: str, name: str, parameters: Mapping[str, Any]) -> list[Refusal]:
    value = parameters.get(name, False)
    return [] if isinstance(value, bool) else [Refusal(f"{at}.{name}", "should be true or false", shown(value))]


def _check(schema: Schema, tensor: Tensor) -> list[Refusal]:
    """What is wrong with a tensor by itself, but for its values."""
    if tensor.name not in schema.asked:
        return []
    at = f"inputs.{tensor.name}"
    refused = _others(f"{at}.parameters", tensor.parameters, SIZE)
    kinds = takes(schema, tensor.name)
    if tensor.datatype not in kinds:
        refused.append(Refusal(f"{at}.datatype", f"should be {' or '.join(kinds)}", shown(tensor.datatype)))
    if len(tensor.shape) not in {1, 2} or tensor.shape[1:] not in ([], [1]):
        refused.append(Refusal(f"{at}.shape", "should be [rows] or [rows, 1]", shown(tensor.shape)))
    size = tensor.parameters.get(SIZE)
    if SIZE not in tensor.parameters:
        if tensor.data is None:
            refused.append(Refusal(f"{at}.data", f"should be given, or {SIZE}", "neither"))
    elif tensor.data is not None:
        refused.append(Refusal(f"{at}.data", f"should be left out where there is {SIZE}", "both"))
    elif isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST:
        refused.append(Refusal(f"{at}.parameters.{SIZE}", "should be a whole number of bytes from 0", shown(size)))
    return refused


def _rows(schema: Schema, tensors: list[Tensor], max_rows: int) -> int:
    """How many rows all tensors have."""
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    first = schema.asked[0]
    rows = shapes[first][0]
    if rows > max_rows:
        raise TooLarge([Refusal(f"inputs.{first}.shape", f"should hold at most {max_rows} rows", shown(rows))])
    if not rows:
        raise BadInput([Refusal(f"inputs.{first}.shape", "should hold at least one row", "0")])
    if refused := [
        Refusal(f"inputs.{name}.shape", f"should hold {rows} rows, as {first} does", shown(shape[0]))
        for name, shape in shapes.items()
        if shape[0] != rows
    ]:
        raise BadInput(refused)
    return rows


def _cells(tensors: list[Tensor], sent: bytes, rows: int) -> dict[str, Cells]:
    """The values of each tensor; those that are sent as bytes stand in `sent` in their order, and nothing else."""
    whole = sum(tensor.parameters.get(SIZE, 0) for tensor in tensors)
    if whole != len(sent):
        rule = f"should hold as many bytes behind its JSON as the {SIZE} of its inputs say, {whole}"
        raise BadInput([Refusal("body", rule, str(len(sent)))])
    cells: dict[str, Cells] = {}
    refused: list[Refusal] = []
    begin = 0
    for tensor in tensors:
        at = f"inputs.{tensor.name}"
        end = begin + tensor.parameters.get(SIZE, 0)
        try:
            cells[tensor.name] = (
                from_bytes(tensor.datatype, sent[begin:end], rows, at)
                if tensor.data is None
                else from_json(tensor.datatype, tensor.data, tensor.shape, at)
            )
        except BadInput as error:
            refused += error.refusals
        begin = end
    if refused:
        raise BadInput(refused)
    return cells


def _setting(frame: Frame) -> Setting:
    told = {name: frame.parameters[name] for name in Setting.model_fields if name in frame.parameters}
    try:
        return Setting.told(**told)
    except BadInput as error:
        raise in_parameters(error) from None
