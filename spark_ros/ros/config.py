# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every parameter of the node: its name, default, range and meaning; and what is made of them.

A row declares one parameter. What is declared with rclpy, the reference in docs/parameters.md and
the field that holds its value follow from the row.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from spark_ros.clients.transport import check_base_url
from spark_ros.escalation.backends.heat_question import DetectionAs
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.outgoing_image import FORMATS, JPEG_QUALITY, METADATA_KEYS
from spark_ros.escalation.settings import Limits, Settings
from spark_ros.geometry import Box, Fit, ImageSize
from spark_ros.policy import HOUR_S
from spark_ros.ros.declaring import parameter, specs
from spark_ros.ros.detectors import DETECTORS
from spark_ros.ros.labels import Labels, numbered
from spark_ros.ros.pose import POSE_TYPES
from spark_ros.ros.workarounds.parameter_types import (
    BOOL,
    DOUBLE,
    DOUBLES,
    INTEGER,
    INTEGERS,
    STRING,
    STRINGS,
)

DEFAULT_INSTRUCTIONS = 'Look at the boxes: correct those that are wrong, remove what is not there, add what is missing.'


def _label_options(labels: tuple[str, ...]) -> tuple[str, ...]:
    if not all(labels):
        raise ValueError('a label is empty')
    return labels


def _path(path: str) -> Path | None:
    return Path(path).expanduser() if path else None


def _image_size(numbers: tuple[int, ...]) -> ImageSize | None:
    if len(numbers) not in (0, 2):
        raise ValueError('give [width, height], or nothing')
    return ImageSize(*numbers) if numbers else None


def _regions(numbers: tuple[float, ...]) -> tuple[Box, ...]:
    if len(numbers) % 4:
        raise ValueError(f'{len(numbers)} numbers; give x, y, width and height of each region')
    regions = []
    for start in range(0, len(numbers), 4):
        x, y, width, height = numbers[start : start + 4]
        if not (width > 0 and height > 0 and max(x + width, y + height) <= 1 + 1e-9):
            raise ValueError(
                f'the region x {x:g}, y {y:g}, width {width:g}, height {height:g} has no area or '
                'reaches out of the frame'
            )
        regions.append(Box(x, y, x + width, y + height))
    return tuple(regions)


@dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """One camera's block of parameters, checked.

    Attributes:
        name: the camera's.
        asking: how it is asked about, made of this block and of the node's parameters.
        every_frame: whether also frames without a doubt are looked at.
    """

    name: str
    asking: Asking = field(default_factory=Asking)
    every_frame: bool = False
    # fmt: off
    image_topic: str = parameter('image_topic', STRING, '', 'Image topic; empty: <camera>/image_raw, or <camera>/image_raw/compressed.')
    transport: str = parameter('transport', STRING, 'raw', 'sensor_msgs/Image or sensor_msgs/CompressedImage.', choices=('raw', 'compressed'))
    detections_topic: str = parameter('detections_topic', STRING, '', "Topic of the detector's messages; empty: <camera>/detections.")
    detections_type: str = parameter('detections_type', STRING, next(iter(DETECTORS)), 'Type of that topic; the package of the second is needed only where it is chosen.', choices=tuple(DETECTORS))
    labels: Labels = parameter('class_labels', STRINGS, [], 'Labels for a detector that only numbers its classes: the first is the label of class 0; an empty entry names no class.', live=True, read=numbered)
    label_info_topic: str = parameter('label_info_topic', STRING, '', 'vision_msgs/LabelInfo topic with the labels of a detector that only numbers its classes; they override class_labels. Empty: none.')
    program: str = parameter('program', STRING, '', 'Name of a program that is stored on the service. Empty: none.', live=True, read=str.strip)
    instructions: str = parameter('instructions', STRING, DEFAULT_INSTRUCTIONS, 'What people are asked to do; may be empty if there is a program.', live=True, read=str.strip)
    label_options: tuple[str, ...] = parameter('label_options', STRINGS, [], 'Labels that people choose from.', live=True, read=_label_options)
    ask_below: float = parameter('ask_below', DOUBLE, 0.6, 'Ask about detections with a score below this.', (0.0, 1.0), live=True)
    ask_below_labels: tuple[str, ...] = parameter('ask_below_labels', STRINGS, [], 'Labels with their own ask_below.', live=True)
    ask_below_scores: tuple[float, ...] = parameter('ask_below_scores', DOUBLES, [], 'The ask_below of these labels, in the same order.', (0.0, 1.0), live=True)
    ignore_below: float = parameter('ignore_below', DOUBLE, 0.1, 'Leave out detections with a score below this.', (0.0, 1.0), live=True)
    ignore_below_labels: tuple[str, ...] = parameter('ignore_below_labels', STRINGS, [], 'Labels with their own ignore_below.', live=True)
    ignore_below_scores: tuple[float, ...] = parameter('ignore_below_scores', DOUBLES, [], 'The ignore_below of these labels, in the same order.', (0.0, 1.0), live=True)
    cooldown_s: float = parameter('cooldown_s', DOUBLE, 30.0, 'Seconds in which the same object is asked about only once.', (0.0, 86_400.0), live=True)
    audit_rate: float = parameter('audit_rate', DOUBLE, 0.0, 'Share of frames that people are asked about whatever the scores, without being shown these (audits).', (0.0, 1.0), live=True)
    reuse_s: float = parameter('reuse_s', DOUBLE, 0.0, 'Seconds in which what a person said of an object is used again for the same object that looks the same; 0: never.', (0.0, 60.0), live=True)
    priority: int = parameter('priority', INTEGER, 0, 'Questions of cameras with a higher priority are sent first, and answered first if the service keeps to that; when a limit is reached, they are the last to be dropped.', (0, 255), live=True)
    detection_image_size: ImageSize | None = parameter('detection_image_size', INTEGERS, [], "[width, height] of the detector's input, if its boxes are in pixels of that input; empty: they are in pixels of the image.", (1, 65_535), live=True, read=_image_size)
    detection_fit: Fit = parameter('detection_fit', STRING, 'stretch', 'How the image was fitted to that size: stretched, with bars on two sides (letterbox), or with a bar on the right or below only (letterbox_top_left).', choices=tuple(fit.value for fit in Fit), live=True, read=Fit)
    image_format: str = parameter('image.format', STRING, 'jpeg', 'Format of the image that is sent; a compressed image that needs no change is sent unchanged.', choices=FORMATS, live=True)
    image_quality: int = parameter('image.quality', INTEGER, JPEG_QUALITY, 'Quality of a JPEG.', (1, 100), live=True)
    image_max_side: int = parameter('image.max_side', INTEGER, 0, 'Longest side of the image that is sent, in pixels; 0: any.', (0, 65_535), live=True)
    image_crop: bool = parameter('image.crop', BOOL, False, 'Send only the part of the frame around the doubted detections.', live=True)
    image_crop_margin: float = parameter('image.crop_margin', DOUBLE, 0.25, 'Margin around them, as a fraction of the longer side of the rectangle that encloses them.', (0.0, 10.0), live=True)
    image_black_out: tuple[Box, ...] = parameter('image.black_out', DOUBLES, [], 'Regions that are painted black: [x, y, width, height] for each, one after the other, as fractions of the upright frame.', (0.0, 1.0), live=True, read=_regions)
    frames_max_mb: float = parameter('frames.max_mb', DOUBLE, 128.0, 'Megabytes of frames that are kept until their detections come.', (1.0, 100_000.0), live=True)
    frames_slop_s: float = parameter('frames.slop_s', DOUBLE, 0.02, 'Largest difference between the stamps of a detection and its frame, in seconds.', (0.0, 10.0), live=True)
    frames_wait_s: float = parameter('frames.wait_s', DOUBLE, 0.5, 'Seconds that a detection waits for a frame that comes later.', (0.0, 60.0), live=True)
    # fmt: on


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """All parameters, checked.

    Attributes:
        cameras: the block of each, in the order of `camera_names`.
    """

    cameras: tuple[CameraConfig, ...] = ()
    # fmt: off
    server_kind: str = parameter('server.kind', STRING, 'spark', 'Which API the service speaks.', choices=('spark', 'heat'))
    server_url: str = parameter('server.url', STRING, 'http://127.0.0.1:8080', 'Base URL of the service.', read=check_base_url)
    server_ca_file: str = parameter('server.ca_file', STRING, '', 'PEM file of your own certificate authority; empty: the usual ones.')
    server_token_file: str = parameter('server.token_file', STRING, '', 'File with the API key, readable by its owner alone; empty: the environment variable SPARK_TOKEN.')
    detection_as: DetectionAs = parameter('heat.detection_as', STRING, 'rectangles', 'Heat only: ask for all boxes anew, or for the label of the least certain one.', choices=('rectangles', 'label'), read=DetectionAs)
    image_host_kind: str = parameter('image_host.kind', STRING, 'service', "Heat only: frames are uploaded to a service's image endpoint, or served by this node.", choices=('service', 'node'))
    image_host_url: str = parameter('image_host.url', STRING, '', 'Base URL of that service (empty: server.url), or the base URL at which people reach this node.', read=lambda url: url and check_base_url(url))
    image_host_token_file: str = parameter('image_host.token_file', STRING, '', 'File with the key of that service; empty: the environment variable SPARK_IMAGE_TOKEN, else the key of server.url.')
    image_host_host: str = parameter('image_host.host', STRING, '0.0.0.0', 'Address that this node serves frames on.')
    image_host_port: int = parameter('image_host.port', INTEGER, 8089, 'Port that this node serves frames on.', (1, 65_535))
    robot_id: str = parameter('robot_id', STRING, '', "Name of the robot; sent with each question and part of the journal's file name. Empty: the host name.", read=lambda id: id or socket.gethostname())
    metadata_send: tuple[str, ...] = parameter('metadata.send', STRINGS, list(METADATA_KEYS), 'Which metadata is sent with each question.', choices=METADATA_KEYS)
    pose_topic: str = parameter('pose_topic', STRING, '', "Topic with the robot's pose, sent as metadata; empty: none.")
    pose_type: str = parameter('pose_type', STRING, 'geometry_msgs/PoseStamped', 'Type of that topic.', choices=tuple(POSE_TYPES))
    camera_names: tuple[str, ...] = parameter('cameras', STRINGS, ['camera'], 'Names of the cameras; each has a block of parameters of its own.')
    dry_run: bool = parameter('dry_run', BOOL, False, 'Only publish on ~/engagements what would be asked: nobody is asked, nothing is stored, and no service is needed.', live=True)
    timeout_s: float = parameter('timeout_s', DOUBLE, 600.0, 'Seconds after which an unanswered question expires; 0: never.', (0.0, 31_536_000.0), live=True)
    limits_open: int = parameter('limits.open', INTEGER, 50, 'Most questions that wait to be sent or answered at one time; 0: no limit.', (0, 1_000_000), live=True)
    limits_per_hour: int = parameter('limits.per_hour', INTEGER, 0, 'Most questions asked in any hour, also across a restart; 0: no limit.', (0, 1_000_000), live=True)
    limits_audits_per_hour: int = parameter('limits.audits_per_hour', INTEGER, 600, 'Most audits asked in any hour, also across a restart, and most that wait at one time; they count for no other limit. Where it is reached, lower audit_rate instead, so that audits are spread evenly. 0: no limit.', (0, 1_000_000), live=True)
    drive_id: str = parameter('drive_id', STRING, '', 'Name of the drive in the log of decisions, another for each drive and robot; empty: one for each start of the node. A new name begins a new drive.', live=True)
    decisions_path: Path | None = parameter('decisions.path', STRING, '', 'File in which each decision is logged for `spark calibrate`; empty: none.', read=_path)
    decisions_max_mb: float = parameter('decisions.max_mb', DOUBLE, 200.0, 'Most megabytes of that log; beyond, its oldest tenth is removed.', (1.0, 1_000_000.0))
    decisions_promise: float = parameter('decisions.promise', DOUBLE, 0.0, "Share of a drive's errors that may go unasked on average; the log is compared with it, drive by drive. `spark calibrate` writes it beside the thresholds. 0: nothing is promised.", (0.0, 0.999))
    journal_path: Path | None = parameter('journal.path', STRING, '', 'File in which questions survive a restart; empty: memory only.', read=_path)
    journal_max_mb: float = parameter('journal.max_mb', DOUBLE, 1000.0, 'Most megabytes of images in the journal; 0: no limit.', (0.0, 1_000_000.0), live=True)
    journal_max_count: int = parameter('journal.max_count', INTEGER, 0, 'Most questions in the journal; 0: no limit.', (0, 1_000_000))
    journal_max_age_h: float = parameter('journal.max_age_h', DOUBLE, 0.0, 'Hours after which an unanswered question is given up; 0: never.', (0.0, 8760.0))
    poll_interval_s: float = parameter('poll.interval_s', DOUBLE, 1.0, 'Seconds between two polls for answers, at first.', (0.05, 3600.0), live=True)
    poll_max_interval_s: float = parameter('poll.max_interval_s', DOUBLE, 15.0, 'Longest such interval, in seconds; while nothing changes, it doubles up to this.', (0.05, 86_400.0), live=True)
    webhook_host: str = parameter('webhook.host', STRING, '0.0.0.0', 'Address that the webhook receiver listens on.')
    webhook_port: int = parameter('webhook.port', INTEGER, 0, 'Port that it listens on; 0: off.', (0, 65_535))
    webhook_public_url: str = parameter('webhook.public_url', STRING, '', 'URL at which the service reaches it.')
    webhook_secret_file: str = parameter('webhook.secret_file', STRING, '', 'File with the secret that pushes are signed with, readable by its owner alone; empty: a push only makes this node ask the service.')
    # fmt: on

    @property
    def image_url(self) -> str:
        """Base URL that images are uploaded to, or under which people reach this node."""
        return self.image_host_url or self.server_url

    @property
    def settings(self) -> Settings:
        """The part that may change while the node runs."""
        return Settings(
            asking={camera.name: camera.asking for camera in self.cameras},
            limits=Limits(
                self.limits_open, self.limits_per_hour, self.journal_max_age_h * HOUR_S,
                self.limits_audits_per_hour,
            ),
            poll_interval_s=self.poll_interval_s,
            poll_max_interval_s=self.poll_max_interval_s,
            journal_max_bytes=int(self.journal_max_mb * 1e6),
            dry_run=self.dry_run,
            robot_id=self.robot_id,
            drive=self.drive_id,
        )  # fmt: skip


NODE = tuple(specs(NodeConfig).values())
CAMERA = tuple(specs(CameraConfig).values())
