# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question that is asked on purpose: without threshold and cool-down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spark_ros.escalation.question.asking import (
    Asking,
    DetectedFrame,
    QuestionSpec,
    make_escalation,
    observed,
)
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.model import Question


@dataclass(frozen=True)
class Request:
    """A question about a frame that is asked on purpose.

    Attributes:
        id: of the question, once it is accepted.
        read: returns the spec, given the settings of the camera; called outside the robot's
            callbacks. Raises ValueError if they are invalid.
    """

    id: str
    frame: DetectedFrame
    read: Callable[[Asking], QuestionSpec]

    def escalation(self, asking: Asking, refuses: Callable[[Question, str], str]) -> Escalation:
        """Return what is asked.

        Args:
            asking: the settings of the camera.
            refuses: returns why the service cannot ask something, or an empty string.

        Raises:
            ValueError: it is invalid, or cannot be asked.
        """
        frame, spec = self.frame, self.read(asking)
        if refusal := refuses(spec.question, spec.program):
            raise ValueError(refusal)
        priors = spec.priors
        if priors is None:
            priors = observed(frame, asking.thresholds)
        return make_escalation(self.id, frame, asking, spec, priors)
