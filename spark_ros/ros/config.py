# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the parameters say, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spark_ros.escalation.backends.heat_question import DetectionAs
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.settings import Settings
from spark_ros.geometry import Fit, ImageSize
from spark_ros.ros.labels import Labels


@dataclass(frozen=True)
class CameraConfig:
    """One camera's block of parameters.

    Attributes:
        transport: `raw` or `compressed`.
        detections_type: of the detector's messages, one of `parameter_table.DETECTION_TYPES`.
        labels: what people call the classes of a detector that only numbers them.
        label_info_topic: where such labels come from; may be empty.
        detection_image_size: what the detector sees, where that is not the image's size.
        detection_fit: how the image was made to fit that.
        frames_max_mb: the ring's size in megabytes.
        frames_slop_s: how far a detection's stamp may be from its frame's, in seconds.
        frames_wait_s: how long a detection waits for its frame, in seconds.
    """

    name: str
    image_topic: str
    transport: str
    detections_topic: str
    detections_type: str
    labels: Labels
    label_info_topic: str
    asking: Asking
    detection_image_size: ImageSize | None
    detection_fit: Fit
    frames_max_mb: float
    frames_slop_s: float
    frames_wait_s: float


@dataclass(frozen=True)
class ImageHostConfig:
    """Where frames are hosted for a service that takes only URLs.

    Attributes:
        kind: `service` or `node`.
        url: the service's base URL, or what people reach this node by.
    """

    kind: str
    url: str
    token_file: str
    host: str
    port: int


@dataclass(frozen=True)
class WebhookConfig:
    """Where the service's pushes are received; port 0 is off."""

    host: str
    port: int
    public_url: str
    secret_file: str


@dataclass(frozen=True)
class NodeConfig:
    """All parameters.

    Attributes:
        detection_as: how Heat is asked about boxes.
        metadata_send: the keys of the metadata that may leave.
        pose_topic: where the robot's pose comes from; may be empty.
        pose_type: one of `spark_ros.ros.pose.POSE_TYPES`.
        settings: what of it concerns asking, sending and waiting.
        journal_path: None keeps the journal in memory.
        journal_max_count: how many questions it keeps.
    """

    server_kind: str
    server_url: str
    server_ca_file: str
    server_token_file: str
    detection_as: DetectionAs
    image_host: ImageHostConfig
    webhook: WebhookConfig
    robot_id: str
    metadata_send: tuple[str, ...]
    pose_topic: str
    pose_type: str
    cameras: tuple[CameraConfig, ...]
    settings: Settings
    journal_path: Path | None
    journal_max_count: int
