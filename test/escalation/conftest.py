# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What several tests of the robot's side need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spark_ros.escalation.journal.journal import Journal


@pytest.fixture(autouse=True)
def every_record_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the disk is when a log of decisions is closed."""
    monkeypatch.setattr('spark_ros.escalation.decision_log.CLOSE_S', 60.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'journal.db'


@pytest.fixture
def left(path: Path) -> Iterator[Callable[[], list[str]]]:
    """Give the ids that are in the journal, once the courier has let go of it."""

    def read() -> list[str]:
        journal = Journal(path)
        ids = [entry.id for entry in journal.entries()]
        journal.close()
        return ids

    yield read
