# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who watches /diagnostics."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from robot import RELIABLE, Robot

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Seen:
    """What a monitor sees of the node."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self.arrays: list[DiagnosticArray] = []
        robot.hear(DiagnosticArray, '/diagnostics', self.arrays, RELIABLE)

    def until(
        self, part: str, level: bytes, words: str = '', deadline_s: float = 60.0
    ) -> dict[str, str]:
        """Wait until the newest status of a part has a level and words; return its values."""

        def there() -> bool:
            status = self.status(part)
            return status is not None and status.level == level and words in status.message

        try:
            self._robot.until(there, deadline_s)
        except AssertionError:
            raise AssertionError(f'{words!r} is not in {self.status(part)}') from None
        status = self.status(part)
        assert status is not None
        return {value.key: value.value for value in status.values}

    def status(self, part: str) -> DiagnosticStatus | None:
        if not self.arrays:
            return None
        (found,) = [s for s in self.arrays[-1].status if s.name == f'spark: {part}']
        return found

    def wait(self, count: int = 2) -> None:
        """Wait for more of them."""
        wanted = len(self.arrays) + count
        self._robot.until(lambda: len(self.arrays) >= wanted)
