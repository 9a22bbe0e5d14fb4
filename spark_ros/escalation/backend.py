# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the courier needs of a service, whichever API it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from spark_ros.escalation.escalation import EncodedImage, Escalation
from spark_ros.model import Answer, State

FEW = 8
"""Up to so many questions are polled one by one where a list could be read instead."""


@dataclass(frozen=True)
class Asked:
    """A question that the service has: our id and its token."""

    id: str
    token: str


@dataclass(frozen=True)
class Report:
    """What the service says of one question.

    Attributes:
        answer: given what was asked, the answer; may raise WireError.
    """

    id: str
    state: State
    answer: Callable[[Escalation], Answer]


class Backend(Protocol):
    """A service that people answer on. Every call raises `spark_ros.clients` errors.

    Attributes:
        polls_per_s: how many questions may be polled in a second; None where one request
            shows many.
    """

    polls_per_s: float | None

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        """Put an image where the service can show it, and return its URL."""

    async def open(self, escalation: Escalation, image_url: str, *, may_be_open: bool) -> str:
        """Open the question and return its token.

        Args:
            escalation: what is asked.
            image_url: from `upload`.
            may_be_open: an earlier attempt may have arrived; it must not be asked twice where
                the service lets that be avoided.
        """

    def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """Say where open questions stand, as cheaply as the service allows."""

    async def aclose(self) -> None:
        """Close connections."""
