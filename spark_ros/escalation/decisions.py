# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the log of decisions says of frames and answers, and which frames are audited."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from spark_ros.calibration.decisions import (
    AnswerRecord,
    CameraPolicy,
    Detection,
    DriveRecord,
    FrameRecord,
    Policy,
    Said,
)
from spark_ros.escalation.audits import is_audited
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.engagement import Event
from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.escalation.question.asking import DetectedFrame
from spark_ros.escalation.question.escalation import Escalation, Resolved
from spark_ros.escalation.settings import Current, Settings
from spark_ros.model import Answer, CorrectionKind, State
from spark_ros.wire.values import utf8_text

BAD_IMAGE = 'bad image'
ENDS = (State.EXPIRED, State.FAILED, State.CANCELED)


class Decisions:
    """Tells the log what was decided; everything happens on the runtime's loop.

    Attributes:
        drive: the id of the present drive.
    """

    def __init__(
        self, current: Current, log: DecisionLog | None, clock: Callable[[], float]
    ) -> None:
        """Begin a drive.

        Args:
            current: by which it is decided.
            log: None: nothing is logged.
            clock: by which it is decided, in seconds.
        """
        self._current, self._log, self._clock = current, log, clock
        # Under this id until somebody gives a drive one: no other robot and no other start has it.
        self._own = f'{time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())}-{uuid.uuid4().hex[:8]}'
        self._asked_at: dict[str, float] = {}
        self._begun: DriveRecord | None = None
        self.drive = ''
        self.configure()

    def configure(self) -> None:
        """Begin a new drive where there is one, or note that its policy changes."""
        settings = self._current.settings
        drive = settings.drive or f'{settings.robot_id}-{self._own}'.lstrip('-')
        # As the log can hold it, so that both have the same id.
        self.drive = utf8_text(drive)
        begun, policy = self._begun, policy_of(settings)
        if begun is None or begun.drive != self.drive:
            record = DriveRecord(self.drive, time.time(), policy)
        elif begun.policy != policy:
            record = replace(begun, policy=policy, continued=True)
        else:
            return
        self._begun = record
        if self._log is not None:
            self._log.begin(record)

    def begin(self, frame: DetectedFrame, now: float) -> FrameRecord:
        """Return what is known of a frame before anything was decided, but for an audit."""
        rate = self._current.settings.asking[frame.camera].audit_rate
        return FrameRecord(
            self.drive, frame.camera, max(frame.stamp_ns, 0), now,
            audit=self.audits(frame), audit_rate=rate,
        )  # fmt: skip

    def audits(self, frame: DetectedFrame) -> bool:
        """Return whether a frame is chosen for an audit."""
        settings = self._current.settings
        rate = settings.asking[frame.camera].audit_rate
        return is_audited(rate, settings.robot_id, self.drive, frame.camera, frame.stamp_ns)

    def decided(self, record: FrameRecord, frame: DetectedFrame | None = None) -> None:
        """Log what was decided about a frame; from any thread.

        Args:
            record: without detections.
            frame: has them, if they are to be in the log.
        """
        if self._log is None:
            return
        if frame is not None:
            try:
                make = partial(_with_detections, record, frame.reader())
                self._log.post(make, frame.count, soon=record.audit or record.asked)
                return
            except EncodingError:
                # Without its size nobody knows where they are.
                record = replace(record, refused=record.refused or BAD_IMAGE)
        self._log.post(lambda: record)

    def heard(self, event: Event) -> None:
        """Log how a question of a logged frame ended."""
        asked = event.escalation
        if self._log is None or not asked.drive:
            return
        if isinstance(event, Resolved):
            answer = event.answer
        elif event.state in ENDS:
            answer = Answer(event.state, received=time.time())
        else:
            if event.state is State.QUEUED:
                self._asked_at[asked.id] = self._clock()
            return
        waited_s = self._waited_s(asked, answer)
        if isinstance(event, Resolved) and event.late:
            # For so long it counted as open.
            waited_s = min(waited_s, asked.timeout_s or waited_s)
        make = partial(_answer, asked, answer, waited_s)
        self._log.post(make, len(answer.corrections))

    def _waited_s(self, asked: Escalation, answer: Answer) -> float:
        at_s = self._asked_at.pop(asked.id, None)
        if at_s is not None:
            return max(self._clock() - at_s, 0.0)
        # It was asked before this start, or has ended once already.
        return max((answer.received or time.time()) - asked.created, 0.0)


def policy_of(settings: Settings) -> Policy:
    """Return when a node with these settings asks."""
    return Policy(
        {
            name: CameraPolicy(asking.thresholds, asking.cooldown_s)
            for name, asking in settings.asking.items()
        },
        settings.limits.open,
        settings.limits.per_hour,
    )


def _with_detections(
    record: FrameRecord, read: Callable[[], Sequence[Detection]]
) -> FrameRecord:
    return replace(record, detections=tuple(read()))


def _answer(asked: Escalation, answer: Answer, waited_s: float) -> AnswerRecord:
    return AnswerRecord(asked.drive, asked.id, answer.state, waited_s, tuple(_said(answer)))


def _said(answer: Answer) -> Iterator[Said]:
    for correction in answer.corrections:
        original, corrected = correction.original, correction.corrected
        prior = '' if original is None else original.id
        if (correction.kind is CorrectionKind.ADDED) == bool(prior):
            # A shape without an id cannot be told from others.
            continue
        label = '' if corrected is None else corrected.label
        yield Said(correction.kind, prior, label, None if corrected is None else corrected.box)
