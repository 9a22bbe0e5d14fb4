# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of decisions: what a frame showed, what was asked, and what came back.

One JSON object a line, so that a crash costs no more than the last one. Three kinds: `drive`
(the policy from here on; the first line of each file), `frame` (one for each detector's message)
and `answer` (one for each question that ended). Detections stand with all their digits, so that
a replay compares the very numbers that the node compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from spark_ros.geometry import Box
from spark_ros.model import Annotation, CorrectionKind, State, box_annotation
from spark_ros.policy import TRACKER_ID, Thresholds

VERSION = 1
LABELS = 'ask_below_of', 'ignore_below_of'
# Why a frame was not asked about where what a person had said of its objects was used again.
REUSED = 'reused'


class DecisionError(ValueError):
    """A line that is no record of decisions; the message says why."""


@dataclass(frozen=True)
class CameraPolicy:
    """When one camera asks.

    Attributes:
        cooldown_s: the same object is asked about only once in this time.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    cooldown_s: float = 30.0


@dataclass(frozen=True)
class Policy:
    """When a node asks.

    Attributes:
        cameras: by name.
        open: most questions that wait at one time; 0 is no limit.
        per_hour: most questions in any 3600 seconds; 0 is no limit.
    """

    cameras: Mapping[str, CameraPolicy]
    open: int = 50
    per_hour: int = 0


@dataclass(frozen=True)
class DriveRecord:
    """The policy of a drive, from here on.

    Attributes:
        drive: its id; the unit that the guarantee counts.
        started: Unix seconds.
        continued: the drive began in an earlier file, or its policy changes here.
        lost: so many records could not be written while it was the present drive.
    """

    drive: str
    started: float
    policy: Policy
    continued: bool = False
    lost: int = 0


class Detection(NamedTuple):
    """What a detector saw: valid, normalized, with the id that it bears as a prior."""

    id: str
    label: str
    score: float
    box: Box
    tracker_id: str = ''

    def annotation(self) -> Annotation:
        """Return it as the policy takes it."""
        attributes = {TRACKER_ID: self.tracker_id} if self.tracker_id else {}
        return box_annotation(
            self.label, self.box, id=self.id, score=self.score, attributes=attributes
        )


@dataclass(frozen=True)
class FrameRecord:
    """What was decided about one frame.

    Attributes:
        at_s: when it was decided, in seconds of the steady clock by which the policy counts.
        detections: all of them, those under `ignore_below` too.
        asked: the policy asked about it.
        audit: it was chosen for an audit, whether or not the policy asked as well.
        audit_rate: the probability of that, above 0 where `audit` is.
        question: the id of the question about it; empty if there is none.
        refused: why the policy's question, or the audit, could not be asked; else empty.
    """

    drive: str
    camera: str
    stamp_ns: int
    at_s: float
    detections: tuple[Detection, ...] = ()
    asked: bool = False
    audit: bool = False
    audit_rate: float = 0.0
    question: str = ''
    refused: str = ''


@dataclass(frozen=True)
class Said:
    """What a person said of one shape.

    Attributes:
        prior: the id of the detection; empty if the shape was added.
        box: where it is; None if it was removed.
    """

    kind: CorrectionKind
    prior: str = ''
    label: str = ''
    box: Box | None = None


@dataclass(frozen=True)
class AnswerRecord:
    """How a question ended.

    Attributes:
        waited_s: from the question to its end.
        said: of each shape; counts only where the state is CLOSED.
    """

    drive: str
    question: str
    state: State
    waited_s: float
    said: tuple[Said, ...] = ()


_ENCODER = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(',', ':'))
Record: TypeAlias = 'DriveRecord | FrameRecord | AnswerRecord'


def to_line(record: Record) -> str:
    """Write a record as one line, without its end; half a character becomes a question mark."""
    if isinstance(record, DriveRecord):
        plain: dict[str, Any] = {
            'kind': 'drive', 'version': VERSION, 'drive': record.drive,
            'started': record.started, 'continued': record.continued, 'lost': record.lost,
            'open': record.policy.open, 'per_hour': record.policy.per_hour,
            'cameras': {
                name: {
                    'ask_below': each.thresholds.ask_below,
                    'ignore_below': each.thresholds.ignore_below,
                    'ask_below_of': dict(each.thresholds.ask_below_of),
                    'ignore_below_of': dict(each.thresholds.ignore_below_of),
                    'cooldown_s': each.cooldown_s,
                }
                for name, each in record.policy.cameras.items()
            },
        }  # fmt: skip
    elif isinstance(record, FrameRecord):
        plain = {'kind': 'frame', **vars(record)}
    else:
        plain = {'kind': 'answer', **vars(record), 'state': record.state.value}
        plain['said'] = [
            [each.kind.value, each.prior, each.label, each.box and list(each.box)]
            for each in record.said
        ]
    line = _ENCODER.encode(plain)
    if '\\ud' in line:
        # Perhaps a half: JSON can spell one, and no file can hold it.
        whole = json.dumps(plain, ensure_ascii=False).encode('utf-8', 'replace')
        line = _ENCODER.encode(json.loads(whole))
    return line


def from_line(line: str | bytes) -> Record:
    """Read a record.

    Raises:
        DecisionError: it is not one; `NotJson` if it is not even JSON.
    """
    try:
        plain = json.loads(line)
        # Half a character, which JSON can spell and no file can hold.
        json.dumps(plain, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DecisionError('a text has half of a character') from None
    except (ValueError, RecursionError):
        raise NotJson('this is not JSON') from None
    try:
        return _record(_Fields(plain))
    except DecisionError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise DecisionError(f'this is no record of decisions: {error}') from None


class NotJson(DecisionError):
    """A line that is torn, or of another file."""


class _Fields:
    """Read the fields of an object, each of its type."""

    def __init__(self, plain: object) -> None:
        if not isinstance(plain, dict):
            raise DecisionError('a record is a JSON object')
        self.plain = plain

    def get(self, name: str, *types: type) -> Any:
        if name not in self.plain:
            raise DecisionError(f'{name} is missing')
        value = self.plain[name]
        # In Python a bool is an int; in a log it is a mistake.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise DecisionError(f'{name} is {str(value)[:80]!r}')
        return value

    def text(self, name: str) -> str:
        return str(self.get(name, str))

    def number(self, name: str, most: float = math.inf) -> float:
        return _number(self.get(name, int, float), name, most)

    def whole(self, name: str) -> int:
        value = int(self.get(name, int))
        if value < 0:
            raise DecisionError(f'{name} is {value}')
        return value


def _record(fields: _Fields) -> Record:
    kind, drive = fields.text('kind'), fields.text('drive')
    if kind == 'drive':
        if fields.get('version', int) != VERSION:
            raise DecisionError(f'version is {fields.plain["version"]}; this reads {VERSION}')
        cameras = {
            str(name): _camera(_Fields(each)) for name, each in fields.get('cameras', dict).items()
        }
        policy = Policy(cameras, fields.whole('open'), fields.whole('per_hour'))
        started, continued = fields.number('started'), fields.get('continued', bool)
        return DriveRecord(drive, started, policy, continued, fields.whole('lost'))
    if kind == 'frame':
        audit, rate = fields.get('audit', bool), fields.number('audit_rate', 1.0)
        if audit and rate == 0.0:
            raise DecisionError('audit_rate is 0, and it was an audit')
        detections = tuple(_detection(each) for each in fields.get('detections', list))
        if len({each.id for each in detections}) < len(detections):
            raise DecisionError('two detections have the same id')
        return FrameRecord(
            drive, fields.text('camera'), fields.whole('stamp_ns'), fields.number('at_s'),
            detections, fields.get('asked', bool), audit, rate, fields.text('question'),
            fields.text('refused'),
        )  # fmt: skip
    if kind == 'answer':
        said = tuple(_said(each) for each in fields.get('said', list))
        state, waited_s = State(fields.text('state')), fields.number('waited_s')
        return AnswerRecord(drive, fields.text('question'), state, waited_s, said)
    raise DecisionError(f'kind is {kind[:80]!r}')


def _camera(fields: _Fields) -> CameraPolicy:
    asks, ignores = (
        {str(label): _number(score, name, 1.0) for label, score in fields.get(name, dict).items()}
        for name in LABELS
    )
    thresholds = Thresholds(
        fields.number('ask_below', 1.0), fields.number('ignore_below', 1.0), asks, ignores
    )
    return CameraPolicy(thresholds, fields.number('cooldown_s'))


def _detection(plain: Sequence[Any]) -> Detection:
    id, label, score, box, tracker_id = plain
    if not all(isinstance(text, str) for text in (id, label, tracker_id)):
        raise DecisionError('the id, label and tracker_id of a detection are texts')
    return Detection(id, label, _number(score, 'score', 1.0), _box(box), tracker_id)


def _said(plain: Sequence[Any]) -> Said:
    kind, prior, label, box = plain
    if not isinstance(prior, str) or not isinstance(label, str):
        raise DecisionError('the prior and label of what was said are texts')
    said = Said(CorrectionKind(kind), prior, label, None if box is None else _box(box))
    if (said.kind is CorrectionKind.ADDED) == bool(prior):
        raise DecisionError(f'{kind} with the prior {prior[:80]!r}')
    if (said.kind is CorrectionKind.REMOVED) != (box is None):
        raise DecisionError(f'{kind} with the box {box}')
    return said


def _box(plain: Sequence[Any]) -> Box:
    box = Box(*(_number(each, 'a coordinate', 1.0) for each in plain))
    if box.x0 > box.x1 or box.y0 > box.y1:
        raise DecisionError(f'the corners of {list(box)} are swapped')
    return box


def _number(value: Any, name: str, most: float = math.inf) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0.0 <= value <= most:
        raise DecisionError(f'{name} is {str(value)[:80]}')
    return float(value)
