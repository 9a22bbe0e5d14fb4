# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/Image to pixels, for every usual encoding and any row padding."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from sensor_msgs.msg import Image

from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.escalation.question.outgoing_image import Pixels, black_out
from spark_ros.geometry import Box
from spark_ros.ros.serialized_image import SerializedImage

try:
    from cv_bridge import CvBridge
except Exception:
    # A missing or broken cv_bridge (NumPy 2 and OpenCV 5 break some builds) must not take the
    # node down: everything below works without it.
    CvBridge = None

_CHANNELS = {
    'bgr8': 3, 'rgb8': 3, 'bgra8': 4, 'rgba8': 4, '8UC3': 3, '8UC4': 4,
    'mono8': 1, '8UC1': 1, 'mono16': 2, '16UC1': 2,
    'bayer_rggb8': 1, 'bayer_bggr8': 1, 'bayer_gbrg8': 1, 'bayer_grbg8': 1,
    'yuv422': 2, 'uyvy': 2, 'yuv422_yuy2': 2, 'yuyv': 2,
}  # fmt: skip
_TO_BGR = {
    'rgb8': cv2.COLOR_RGB2BGR,
    'bgra8': cv2.COLOR_BGRA2BGR,
    '8UC4': cv2.COLOR_BGRA2BGR,
    'rgba8': cv2.COLOR_RGBA2BGR,
    # OpenCV names a Bayer pattern by its second row, sensor_msgs by its first.
    'bayer_rggb8': cv2.COLOR_BayerBG2BGR,
    'bayer_bggr8': cv2.COLOR_BayerRG2BGR,
    'bayer_gbrg8': cv2.COLOR_BayerGR2BGR,
    'bayer_grbg8': cv2.COLOR_BayerGB2BGR,
    'yuv422': cv2.COLOR_YUV2BGR_UYVY,
    'uyvy': cv2.COLOR_YUV2BGR_UYVY,
    'yuv422_yuy2': cv2.COLOR_YUV2BGR_YUY2,
    'yuyv': cv2.COLOR_YUV2BGR_YUY2,
}
_YUV = frozenset({'yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv'})
_BY_CV_BRIDGE = frozenset({'rgb8', 'bgra8', 'rgba8', *(n for n in _TO_BGR if 'bayer' in n)})
ENCODINGS = tuple(sorted(_CHANNELS))


def check_image(message: Image | SerializedImage) -> str:
    """Return what is wrong with an image message, or an empty string; touches no pixel."""
    width, height, step = message.width, message.height, message.step
    bytes_per_pixel = _CHANNELS.get(message.encoding)
    if bytes_per_pixel is None:
        return f'the encoding {message.encoding!r} is not one of {", ".join(ENCODINGS)}'
    if width == 0 or height == 0:
        return f'an image of {width}x{height} pixels'
    row = width * bytes_per_pixel
    if step < row:
        return f'a step of {step} bytes, but {width} pixels of {message.encoding} need {row}'
    needed = step * (height - 1) + row
    if len(message.data) < needed:
        return f'{len(message.data)} bytes of data, but {needed} are needed'
    if message.encoding in _YUV and width % 2:
        return f'an odd width of {width} pixels in {message.encoding}'
    return ''


def to_pixels(message: Image | SerializedImage, hidden: Sequence[Box] = ()) -> Pixels:
    """Return BGR (H, W, 3) or grey (H, W) pixels.

    16-bit images lose their lower byte (mono16), or are stretched from their smallest value above
    0 to their largest (16UC1, which has no agreed white), so that a person sees something.

    Args:
        message: the image.
        hidden: regions that nobody may see, as fractions of it: how much is stretched does not
            depend on what is there. They are not blacked out here.

    Raises:
        EncodingError: the message is wrong (see `check_image`).
    """
    if problem := check_image(message):
        raise EncodingError(problem)
    encoding, row = message.encoding, message.width * _CHANNELS[message.encoding]
    if CvBridge is not None and encoding in _BY_CV_BRIDGE and message.step == row:
        try:
            return np.asarray(CvBridge().imgmsg_to_cv2(message, 'bgr8'), np.uint8)
        except Exception:
            # The same conversion follows; see the import.
            pass
    rows = np.lib.stride_tricks.as_strided(
        np.frombuffer(message.data, np.uint8),
        (message.height, row),
        (message.step, 1),
        writeable=False,
    )
    if encoding in ('mono16', '16UC1'):
        return _to_8_bit(message, np.ascontiguousarray(rows), hidden)
    channels = _CHANNELS[encoding]
    pixels = np.ascontiguousarray(rows).reshape(
        (message.height, message.width, channels) if channels > 1 else rows.shape
    )
    code = _TO_BGR.get(encoding)
    return pixels if code is None else np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _to_8_bit(message: Image | SerializedImage, rows: Pixels, hidden: Sequence[Box]) -> Pixels:
    values = rows.view('>u2' if message.is_bigendian else '<u2').astype(np.uint16)
    if message.encoding == 'mono16':
        return (values >> 8).astype(np.uint8)
    values = black_out(values, hidden)
    present = values[values > 0]
    low, high = (int(present.min()), int(present.max())) if present.size else (0, 1)
    stretched = (values.astype(np.float32) - low) * (255.0 / max(high - low, 1))
    return np.clip(stretched, 0, 255).astype(np.uint8)
