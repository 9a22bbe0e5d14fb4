# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Judge how a camera and its detector are doing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spark_ros.escalation.health.verdict import Level, Problem, Verdict

SILENT_S = 5.0


@dataclass(frozen=True)
class CameraState:
    """What one camera did.

    Attributes:
        topics: of its images and its detections.
        silent_s: since its last frame, or since the start where there was none.
        rate_hz: over the last seconds.
        unusable: images that are no images; `refusal` says what was wrong with the last.
        lately: what of `unmatched`, `unusable` and `unencodable` was in the last minute.
    """

    name: str
    topics: tuple[str, str]
    frames: int = 0
    rate_hz: float = 0.0
    silent_s: float = 0.0
    detections: int = 0
    unmatched: int = 0
    unusable: int = 0
    refusal: str = ''
    unencodable: int = 0
    ring_mb: float = 0.0
    ring_max_mb: float = 0.0
    lately: Mapping[str, int] = field(default_factory=dict)


def judge_camera(camera: CameraState) -> Verdict:
    """Judge a camera with its detector."""
    name, problems = camera.name, []
    if camera.silent_s >= SILENT_S:
        since = f'for {camera.silent_s:.0f} s' if camera.frames else 'since the start'
        problems.append(
            Problem(
                Level.WARN, 'silent',
                f'no frame on {camera.topics[0]} {since}; is the camera running, and are '
                f'{name}.image_topic and {name}.transport right?',
            )
        )  # fmt: skip
    if lost := camera.lately.get('unmatched', 0):
        problems.append(
            Problem(
                Level.WARN, 'unmatched',
                f'{lost} detection message(s) in the last minute had no frame; stamp detections '
                f"with their image's stamp, or raise {name}.frames.slop_s, {name}.frames.wait_s "
                f'or {name}.frames.max_mb',
            )
        )  # fmt: skip
    if refused := camera.lately.get('unusable', 0):
        problems.append(
            Problem(
                Level.WARN, 'unusable',
                f'{refused} image(s) in the last minute cannot be used: {camera.refusal}; '
                f'see to what publishes {camera.topics[0]}',
            )
        )  # fmt: skip
    if failed := camera.lately.get('unencodable', 0):
        problems.append(
            Problem(
                Level.WARN, 'unencodable',
                f'{failed} frame(s) in the last minute could not be encoded; the log says why',
            )
        )  # fmt: skip
    return Verdict(
        f'camera {name}',
        f'{camera.rate_hz:.1f} Hz' if camera.frames else 'waiting for the first frame',
        tuple(problems),
        {
            'image topic': camera.topics[0],
            'detections topic': camera.topics[1],
            'frames in': str(camera.frames),
            'rate (Hz)': f'{camera.rate_hz:.2f}',
            'seconds without a frame': f'{camera.silent_s:.0f}',
            'detections in': str(camera.detections),
            'unmatched detections': str(camera.unmatched),
            'unusable images': str(camera.unusable),
            'encoding errors': str(camera.unencodable),
            'ring (MB)': f'{camera.ring_mb:.1f}',
            'ring maximum (MB)': f'{camera.ring_max_mb:.1f}',
        },
    )
