# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions and answers as the JSON of the journal's rows: versioned, and checked when read."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import is_dataclass, replace
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from spark_ros.escalation.question.escalation import Escalation
from spark_ros.model import Answer

T = TypeVar('T')

VERSION = 3
"""Of the names and types of all fields below `Escalation` and `Answer`; a test holds them."""


class UnreadableRecord(ValueError):
    """This version cannot read the row."""


def dump_escalation(asked: Escalation) -> str:
    """Write everything but `source`."""
    return _dump(replace(asked, source=b''))


def load_escalation(text: str, source: bytes) -> Escalation:
    """Read what `dump_escalation` wrote. Raises UnreadableRecord."""
    if not isinstance(source, bytes):
        raise UnreadableRecord('its source is no bytes')
    return replace(_read(Escalation, text), source=source)


def dump_answer(answer: Answer) -> str:
    """Write an answer."""
    return _dump(answer)


def load_answer(text: str) -> Answer:
    """Read what `dump_answer` wrote. Raises UnreadableRecord."""
    return _read(Answer, text)


def _dump(value: Any) -> str:
    return json.dumps({'version': VERSION, **_fields(value)}, default=_plain)


def _plain(value: Any) -> Any:
    """Return what JSON has no form for, in a form that it has; enumerations are texts already."""
    if is_dataclass(value):
        return _fields(value)
    return value.hex() if isinstance(value, bytes) else dict(value)


def _fields(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _hints(kind)}


def _read(kind: type[T], text: str) -> T:
    whole: Any = kind
    try:
        record = json.loads(text)
        if record['version'] != VERSION:
            raise ValueError(f'its version is {record["version"]}, not {VERSION}')
        loaded: T = _loader(whole)(record)
    except KeyError as error:
        raise UnreadableRecord(f'its record has no {error}') from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UnreadableRecord(f'its record is invalid: {error}') from None
    return loaded


@cache
def _loader(kind: Any) -> Callable[[Any], Any]:
    """Return what turns a JSON value into what a field's type says.

    It raises KeyError, ValueError or TypeError.
    """
    inner = get_args(kind)
    if NoneType in inner:
        load = _loader(inner[0])
        return lambda value: None if value is None else load(value)
    if get_origin(kind) is tuple:
        load, of_list = _loader(inner[0]), _expected(list)
        return lambda value: tuple([load(each) for each in of_list(value)])
    if inner:
        load, of_dict = _loader(inner[1]), _expected(dict)
        return lambda value: {name: load(each) for name, each in of_dict(value).items()}
    if kind is Any:
        return lambda value: value
    if kind is float:
        number = _expected(int | float)
        return lambda value: float(number(value))
    if kind is bytes:
        text = _expected(str)
        return lambda value: bytes.fromhex(text(value))
    if issubclass(kind, Enum):
        return lambda value: kind(value)
    if issubclass(kind, tuple):
        loads, of_list = [_loader(each) for each in _hints(kind).values()], _expected(list)
        return lambda value: kind(
            *[load(each) for load, each in zip(loads, of_list(value), strict=True)]
        )
    if is_dataclass(kind):
        hints = _hints(cast(Hashable, kind))
        named = [(name, _loader(hint)) for name, hint in hints.items()]
        of_dict, make = _expected(dict), cast(Any, kind)

        def read(value: Any) -> Any:
            record = of_dict(value)
            return make(**{name: load(record[name]) for name, load in named})

        return read
    return _expected(kind)


def _expected(kind: Any) -> Callable[[Any], Any]:
    """Return a function that checks a value's type and returns the value."""

    def check(value: Any) -> Any:
        if not isinstance(value, kind) or value is True or value is False:
            raise TypeError(f'expected {getattr(kind, "__name__", kind)}, not {value!r:.80}')
        return value

    return check


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
