# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question that somebody wants asked: no threshold, no cool-down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spark_ros.escalation.question.asking import Asking, Sighting, metadata_of, observed
from spark_ros.escalation.question.departure import plan
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.geometry import Fit
from spark_ros.model import Annotation, Question

CERTAINTY = 0.0
"""As uncertain as can be: it is sent before what a detector doubts, and never gives way to it."""


@dataclass(frozen=True)
class Terms:
    """What is asked about a frame.

    Attributes:
        priors: None: what the detector saw on the frame.
        metadata: of who asks; the node's own is added.
        timeout_s: how long an answer is waited for; 0 waits for ever.
    """

    question: Question
    program: str = ''
    priors: tuple[Annotation, ...] | None = None
    priority: int = 0
    timeout_s: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A question about a frame that somebody wants asked.

    Attributes:
        id: of the question, if it becomes one.
        read: gives the terms, by how its camera is asked about; called outside the robot's
            callbacks. Raises ValueError where they make no sense.
    """

    id: str
    sighting: Sighting
    read: Callable[[Asking], Terms]

    def escalation(self, asking: Asking, refuses: Callable[[Question, str], str]) -> Escalation:
        """Return what is asked.

        Args:
            asking: how the camera is asked about.
            refuses: returns why the service cannot be asked something, or an empty string.

        Raises:
            ValueError: it makes no sense, or cannot be asked.
        """
        sighting, terms = self.sighting, self.read(asking)
        if refusal := refuses(terms.question, terms.program):
            raise ValueError(refusal)
        size = sighting.size()
        if terms.priors is None:
            priors, source = observed(sighting, asking.thresholds), sighting.source()
            source_size, source_fit = sighting.source_size(), sighting.source_fit
        else:
            priors, source, source_size, source_fit = terms.priors, b'', size, Fit.STRETCH
        return Escalation(
            id=self.id,
            camera=sighting.camera,
            stamp_ns=sighting.stamp_ns,
            frame_id=sighting.frame_id,
            frame_match=sighting.frame_match,
            image_size=size,
            source_size=source_size,
            question=terms.question,
            priors=priors,
            created=time.time(),
            program=terms.program,
            metadata={**terms.metadata, **metadata_of(sighting, asking)},
            priority=terms.priority,
            certainty=CERTAINTY,
            timeout_s=terms.timeout_s,
            source=source,
            # Who asks on purpose asks about the whole frame.
            departure=plan(asking.image, size, ()),
            source_fit=source_fit,
            class_ids=sighting.class_ids,
        )
