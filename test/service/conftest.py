# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Services for the tests of this directory; `service_harness` is what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from service_harness import InProcess

from spark_ros.service.settings import Settings


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[Callable[..., InProcess]]:
    """Start services inside this process, with settings of the test's choice."""
    started: list[InProcess] = []

    def make(**settings: Any) -> InProcess:
        base = Settings(tmp_path / 'data', min_free=0)
        started.append(InProcess(replace(base, **settings)))
        return started[-1]

    yield make
    for service in started:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., InProcess]) -> InProcess:
    """A service inside this process."""
    return make_service()
