# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Check a camera and its detector. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from spark_ros.escalation.health.check import CheckResult, Problem, warning

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


def check_camera(camera: CameraState) -> CheckResult:
    """Check a camera with its detector."""
    return CheckResult(
        f'camera {camera.name}',
        f'{camera.rate_hz:.1f} Hz' if camera.frames else 'waiting for the first frame',
        tuple(_problems(camera)),
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


def _problems(camera: CameraState) -> Iterator[Problem]:
    name, topic, lately = camera.name, camera.topics[0], camera.lately
    if camera.silent_s >= SILENT_S:
        since = f'for {camera.silent_s:.0f} s' if camera.frames else 'since the start'
        yield warning(
            'silent',
            f'no frame on {topic} {since}; is the camera running, and are {name}.image_topic and '
            f'{name}.transport right?',
        )
    if lost := lately.get('unmatched', 0):
        yield warning(
            'unmatched',
            f'{lost} detection message(s) in the last minute had no frame; stamp detections '
            f"with their image's stamp, or raise {name}.frames.slop_s, {name}.frames.wait_s "
            f'or {name}.frames.max_mb',
        )
    if refused := lately.get('unusable', 0):
        yield warning(
            'unusable',
            f'{refused} image(s) in the last minute cannot be used: {camera.refusal}; '
            f'see to what publishes {topic}',
        )
    if failed := lately.get('unencodable', 0):
        yield warning(
            'unencodable',
            f'{failed} frame(s) in the last minute could not be encoded; the log says why',
        )
