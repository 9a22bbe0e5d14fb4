# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""ROS messages to the types of `spark_ros.model` and back."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import KeyValue
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from spark_ros import geometry, model
from spark_ros.escalation.question.escalation import Escalation, FrameMatch, Resolved, Status
from spark_ros.geometry import PixelBox
from spark_ros.msg import Annotation, Correction, EngagementStatus, Resolution, Vertex
from spark_ros.wire.values import utf8_text

NS = 1_000_000_000
_TYPES = {type: getattr(Annotation, f'TYPE_{type.name}') for type in model.AnnotationType}
_KINDS = {kind: getattr(Correction, f'KIND_{kind.name}') for kind in model.CorrectionKind}
_STATES = {state: getattr(EngagementStatus, f'STATE_{state.name}') for state in model.State}
_FRAME_MATCHES = {match: getattr(Resolution, f'FRAME_MATCH_{match.name}') for match in FrameMatch}
UNCHANGED = (model.CorrectionKind.CONFIRMED, model.CorrectionKind.UNMENTIONED)


def stamp_ns(stamp: Time) -> int:
    """Return a stamp in nanoseconds."""
    return stamp.sec * NS + stamp.nanosec


def time_message(nanoseconds: int) -> Time:
    """Return a stamp message from nanoseconds, within what the message can hold."""
    seconds, nanosec = divmod(nanoseconds, NS)
    return Time(sec=max(-(2**31), min(seconds, 2**31 - 1)), nanosec=nanosec)


def best_hypothesis(detection: Detection2D) -> ObjectHypothesisWithPose | None:
    """Return the highest-scoring hypothesis: the one that counts."""
    return max(
        detection.results,
        key=lambda r: -math.inf if math.isnan(r.hypothesis.score) else r.hypothesis.score,
        default=None,
    )


def corrected_detections(
    resolved: Resolved, unknown: Callable[[str], None] = lambda label: None
) -> Detection2DArray:
    """Return the whole corrected list, in the pixels and under the header it came with.

    A detection that nobody changed is in the list as it came. A changed or added one has a score
    of 1.0, as a person confirmed it. Dots have no box and are left out. Where the detector
    publishes class ids instead of labels, the list has class ids, too.

    Args:
        resolved: the answer.
        unknown: called with each label that the detector has no class id for; the list then has
            the label itself.
    """
    asked = resolved.escalation
    place = geometry.placement(asked.image_size, asked.source_size, asked.source_fit)
    source = (
        deserialize_message(asked.source, Detection2DArray)
        if asked.source
        else Detection2DArray(header=_header(asked))
    )
    corrected = Detection2DArray(header=source.header)
    for correction in resolved.answer.corrections:
        shape = correction.corrected
        if shape is None or shape.type is model.AnnotationType.DOT:
            continue
        original = _original(source, correction)
        if original is not None and correction.kind in UNCHANGED:
            corrected.detections.append(original)
            continue
        if asked.class_ids and shape.label not in asked.class_ids:
            unknown(shape.label)
        box = geometry.to_pixels(shape.vertices, asked.image_size, place)
        class_id = asked.class_ids.get(shape.label, shape.label)
        corrected.detections.append(
            _changed(correction, shape, original, source.header, box, utf8_text(class_id))
        )
    return corrected


def _original(source: Detection2DArray, correction: model.Correction) -> Detection2D | None:
    if correction.original is None or not correction.original.id.isdigit():
        return None
    index = int(correction.original.id)
    return source.detections[index] if index < len(source.detections) else None


def _changed(
    correction: model.Correction,
    shape: model.Annotation,
    original: Detection2D | None,
    header: Header,
    box: PixelBox,
    class_id: str,
) -> Detection2D:
    if original is None:
        detection = Detection2D(header=header, results=[ObjectHypothesisWithPose()])
    else:
        detection = copy.deepcopy(original)
    hypothesis = best_hypothesis(detection)
    assert hypothesis is not None
    # A goal's prior is no detection that came.
    before = None if original is None else correction.original
    # Of several classes with one label it stays the one that the detector meant.
    if before is None or before.label != shape.label:
        hypothesis.hypothesis.class_id = class_id
    # What nobody changed is as sure as it was.
    kept = shape.score if correction.kind in UNCHANGED else None
    hypothesis.hypothesis.score = 1.0 if kept is None else kept
    detection.results = [hypothesis]
    if before is None or not model.same_vertices(before, shape):
        center = detection.bbox.center
        center.position.x, center.position.y, center.theta = box.center_x, box.center_y, 0.0
        detection.bbox.size_x, detection.bbox.size_y = box.size_x, box.size_y
    return detection


def resolution_message(resolved: Resolved) -> Resolution:
    """Return the answer as a message, under the header of the frame that was asked about."""
    asked, answer = resolved.escalation, resolved.answer
    known = answer.received or asked.created
    return Resolution(
        header=_header(asked),
        id=asked.id,
        token=utf8_text(resolved.token),
        camera=asked.camera,
        state=_STATES[answer.state],
        response=utf8_text(answer.response),
        answers=[utf8_text(choice) for choice in answer.answers],
        has_rating=answer.rating is not None,
        rating=answer.rating if answer.rating is not None else 0.0,
        corrections=[
            Correction(
                kind=_KINDS[correction.kind],
                original=annotation_message(correction.original),
                corrected=annotation_message(correction.corrected),
            )
            for correction in answer.corrections
        ],
        annotations=[annotation_message(annotation) for annotation in answer.annotations],
        feedback=utf8_text(answer.feedback),
        flags=[utf8_text(flag) for flag in answer.flags],
        late=resolved.late,
        frame_match=_FRAME_MATCHES[asked.frame_match],
        image_width=asked.image_size.width,
        image_height=asked.image_size.height,
        image_crop=_crop(asked),
        image_url=utf8_text(answer.image_url),
        program=asked.program,
        created=time_message(int((answer.created or asked.created) * NS)),
        closed=time_message(int((answer.closed or known) * NS)),
        response_time=max(known - asked.created, 0.0),
        metadata=key_values(asked.metadata),
    )


def status_message(status: Status) -> EngagementStatus:
    """Return one step in the life of a question as a message."""
    return EngagementStatus(
        header=_header(status.escalation),
        id=status.escalation.id,
        token=utf8_text(status.token),
        camera=status.escalation.camera,
        state=_STATES[status.state],
        detail=utf8_text(status.detail),
    )


def annotation_message(annotation: model.Annotation | None) -> Annotation:
    """Return an annotation as a message; None becomes the empty one."""
    if annotation is None:
        return Annotation()
    return Annotation(
        id=utf8_text(annotation.id),
        label=utf8_text(annotation.label),
        type=_TYPES[annotation.type],
        vertices=[Vertex(x=vertex.x, y=vertex.y) for vertex in annotation.vertices],
        score=annotation.score if annotation.score is not None else math.nan,
        attributes=key_values(annotation.attributes),
    )


def key_values(values: Mapping[str, Any]) -> list[KeyValue]:
    """Return a mapping as key-value messages; what is not text is written as JSON."""
    return [
        KeyValue(
            key=utf8_text(key),
            value=utf8_text(value) if isinstance(value, str) else json.dumps(value),
        )
        for key, value in values.items()
    ]


def _crop(escalation: Escalation) -> RegionOfInterest:
    outgoing = escalation.outgoing
    if outgoing is None or outgoing.whole:
        return RegionOfInterest()
    x, y, width, height = outgoing.region
    return RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height)


def _header(escalation: Escalation) -> Header:
    return Header(stamp=time_message(escalation.stamp_ns), frame_id=escalation.frame_id)
