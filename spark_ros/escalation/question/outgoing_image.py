# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What leaves the robot: which part of a frame, how large, what of it is black, which metadata.

A plan is made for each frame that is asked about, stored with the question, and carried out on
the pixels before they are encoded for the first time, so that no file ever holds what is hidden.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from spark_ros.geometry import Box, ImageSize, Vertex, hull

Pixels = npt.NDArray[np.uint8]
Depth = TypeVar('Depth', np.uint8, np.uint16)

JPEG_QUALITY = 90
FORMATS = ('jpeg', 'png')
METADATA_KEYS = (
    'robot_id', 'camera', 'frame_id', 'stamp', 'pose', 'pose_frame_id', 'pose_stamp',
)  # fmt: skip
# A pixel coordinate comes from a fraction: what is nearer to a whole number than this is one.
DECIMALS = 6


class Region(NamedTuple):
    """A part of a frame, in whole pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class ImageSettings:
    """How the frames of one camera may leave the robot.

    Attributes:
        format: `jpeg` or `png`, of what has to be encoded.
        quality: of JPEG, 1 to 100.
        max_side: the longest side in pixels; 0 leaves the size as it is.
        crop: only what is asked about, instead of the whole frame.
        crop_margin: what is shown around it, as a fraction of the larger side of the boxes' hull.
        black_out: regions that nobody may see, as fractions of the upright frame.
    """

    format: str = 'jpeg'
    quality: int = JPEG_QUALITY
    max_side: int = 0
    crop: bool = False
    crop_margin: float = 0.25
    black_out: tuple[Box, ...] = ()


@dataclass(frozen=True)
class OutgoingImage:
    """How one frame leaves the robot.

    Attributes:
        frame: the size of the upright frame in pixels.
        region: the part of it that is sent.
        size: of the image that is sent: the region's, or smaller.
        format: `jpeg` or `png`, where it has to be encoded.
        quality: of JPEG, 1 to 100.
        black_out: hidden regions, as fractions of the upright frame.
    """

    frame: ImageSize
    region: Region
    size: ImageSize
    format: str = 'jpeg'
    quality: int = JPEG_QUALITY
    black_out: tuple[Box, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all of the frame is sent: then fractions of the two are the same."""
        return self.region == (0, 0, *self.frame)

    @property
    def untouched(self) -> bool:
        """Whether a compressed image may pass as it is."""
        return self.whole and self.size == self.frame and not self.black_out

    def to_sent(self, vertex: Vertex) -> Vertex:
        """Turn fractions of the frame into fractions of what is sent; outside of it they are
        below 0 or above 1.
        """
        return Vertex(
            (vertex.x * self.frame.width - self.region.x) / self.region.width,
            (vertex.y * self.frame.height - self.region.y) / self.region.height,
        )

    def to_frame(self, vertex: Vertex) -> Vertex:
        """Turn fractions of what is sent into fractions of the frame."""
        return Vertex(
            (self.region.x + vertex.x * self.region.width) / self.frame.width,
            (self.region.y + vertex.y * self.region.height) / self.frame.height,
        )


def plan(settings: ImageSettings, frame: ImageSize, asked: Sequence[Box]) -> OutgoingImage:
    """Decide how a frame leaves.

    Args:
        settings: of its camera.
        frame: its upright size in pixels.
        asked: the normalized boxes that are asked about; without any nothing is cropped.
    """
    region = Region(0, 0, *frame)
    if settings.crop and asked:
        region = _around(asked, frame, settings.crop_margin)
    return OutgoingImage(
        frame,
        region,
        _fit(region, settings.max_side),
        settings.format,
        settings.quality,
        settings.black_out,
    )


def black_out(pixels: npt.NDArray[Depth], regions: Iterable[Box]) -> npt.NDArray[Depth]:
    """Return a copy of upright pixels (H, W) or (H, W, C) in which regions are black.

    Args:
        pixels: of a whole frame; never changed. Without regions they are returned themselves.
        regions: fractions of the frame; each is grown outward to whole pixels, at least one.
    """
    regions = tuple(regions)
    if not regions:
        return pixels
    pixels = pixels.copy()
    height, width = pixels.shape[:2]
    for region in regions:
        x0, x1 = _grown(region.x0, region.x1, width)
        y0, y1 = _grown(region.y0, region.y1, height)
        pixels[y0:y1, x0:x1] = 0
    return pixels


def apply(pixels: Pixels, outgoing: OutgoingImage) -> Pixels:
    """Return what is sent of a frame's upright pixels.

    Black comes first: neither scaling nor a lossy format then has anything to smear.

    Raises:
        ValueError: the pixels are not those of the frame that was planned for.
    """
    height, width = pixels.shape[:2]
    if (width, height) != outgoing.frame:
        planned = f'{outgoing.frame.width}x{outgoing.frame.height}'
        raise ValueError(f'the image has {width}x{height} pixels, not {planned}')
    x, y, width, height = outgoing.region
    part = black_out(pixels, outgoing.black_out)[y : y + height, x : x + width]
    if outgoing.size != (width, height):
        scaled = cv2.resize(part, outgoing.size, interpolation=cv2.INTER_AREA)
        return np.asarray(scaled, np.uint8)
    return np.ascontiguousarray(part)


def chosen(metadata: Mapping[str, str], send: Sequence[str]) -> dict[str, str]:
    """Return the metadata that may leave."""
    return {key: value for key, value in metadata.items() if key in send}


def _around(asked: Sequence[Box], frame: ImageSize, margin: float) -> Region:
    box = hull([corner for each in asked for corner in (each[:2], each[2:])])
    x0, x1 = box.x0 * frame.width, box.x1 * frame.width
    y0, y1 = box.y0 * frame.height, box.y1 * frame.height
    more = margin * max(x1 - x0, y1 - y0)
    left, right = _whole_pixels(x0 - more, x1 + more, frame.width)
    top, bottom = _whole_pixels(y0 - more, y1 + more, frame.height)
    return Region(left, top, right - left, bottom - top)


def _whole_pixels(low: float, high: float, length: int) -> tuple[int, int]:
    first = min(max(math.floor(round(low, DECIMALS)), 0), length - 1)
    return first, max(min(math.ceil(round(high, DECIMALS)), length), first + 1)


def _grown(low: float, high: float, length: int) -> tuple[int, int]:
    first = min(max(math.floor(low * length), 0), length - 1)
    return first, max(math.ceil(high * length), first + 1)


def _fit(region: Region, max_side: int) -> ImageSize:
    longest = max(region.width, region.height)
    if not 0 < max_side < longest:
        return ImageSize(region.width, region.height)
    return ImageSize(
        max(1, round(region.width * max_side / longest)),
        max(1, round(region.height * max_side / longest)),
    )
