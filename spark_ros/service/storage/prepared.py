# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Statements that are compiled once, and then go to the driver as they are.

For a small statement SQLAlchemy takes ten times as long as SQLite itself. This is for those that
each question needs several of, with texts, numbers and None as values.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Connection, Executable
from sqlalchemy.sql.compiler import SQLCompiler

from spark_ros.service.storage.database import execute_plain


@dataclass
class _Compiled:
    """A statement for one dialect and for certain values.

    Attributes:
        names: of the values in their order; None where the driver takes them by name.
        defaults: the values that the statement itself has.
        row: makes a row, once it is known which columns there are.
    """

    text: str
    names: Sequence[str] | None
    defaults: Mapping[str, Any]
    row: Callable[[Sequence[Any]], Any] | None = None


class Prepared:
    """A statement that is compiled when it is first executed.

    Args:
        statement: without an expanding `IN`.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Execute it and return all rows, whose columns are attributes.

        Args:
            values: of its parameters, and of the columns that are inserted or set.

        Raises:
            DBAPIError: it failed.
        """
        return [*self.rows(connection, values)]

    def rows(
        self, connection: Connection, values: Mapping[str, Any]
    ) -> Generator[Any, None, None]:
        """Execute it as `all` does, and read a row at a time; close the iterator."""
        kind = (connection.dialect.name, *values)
        compiled = self._compiled.get(kind)
        if compiled is None:
            compiled = self._compiled[kind] = self._compile(connection, values)
        given: Any = {**compiled.defaults, **values}
        if compiled.names is not None:
            given = [given[name] for name in compiled.names]
        cursor = execute_plain(connection, compiled.text, given)
        try:
            if cursor.description is None:
                return
            if compiled.row is None:
                names = [column[0] for column in cursor.description]
                row_type: Any = namedtuple('Row', names)  # type: ignore[misc]
                compiled.row = row_type._make
            yield from map(compiled.row, cursor)
        finally:
            cursor.close()

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Execute it, and return the first row, or None."""
        with closing(self.rows(connection, values)) as rows:
            return next(rows, None)

    def each(self, connection: Connection, values: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """Execute it for each of some values: as one statement, where they are several."""
        if len(values) == 1:
            return self.all(connection, values[0])
        return connection.execute(self._statement, values).all()

    def _compile(self, connection: Connection, values: Mapping[str, Any]) -> _Compiled:
        statement, dialect = self._statement, connection.dialect
        assert isinstance(statement, ClauseElement)
        compiled = statement.compile(dialect=dialect, column_keys=[*values])
        assert isinstance(compiled, SQLCompiler) and not compiled.post_compile_params
        return _Compiled(compiled.string, compiled.positiontup, compiled.params)
