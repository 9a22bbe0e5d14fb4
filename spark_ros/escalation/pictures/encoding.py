# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Image bytes: read a JPEG's or PNG's header, encode pixels, make a picture upright."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.escalation.question.outgoing_image import JPEG_QUALITY, OutgoingImage, Pixels, apply
from spark_ros.geometry import ImageSize

MAX_PIXELS = 100_000_000
# Of a header: the color profile alone may have 255 of them.
MAX_SEGMENTS = 300
MAX_FILL = 4096
MAX_EXIF_ENTRIES = 100
_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SIDEWAYS = frozenset({5, 6, 7, 8})
# What makes an EXIF orientation upright, once those that lie on their side are transposed.
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
_ORIENTATION_TAG = 0x0112


class EncodingError(ValueError):
    """An image that cannot be used; the message says why."""


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes of an image say.

    Attributes:
        format: `jpeg` or `png`.
        stored: the size in pixels as stored.
        orientation: EXIF's, 1 (upright) to 8.
    """

    format: str
    stored: ImageSize
    orientation: int = 1

    @property
    def size(self) -> ImageSize:
        """The size in pixels once upright."""
        if self.orientation in _SIDEWAYS:
            return ImageSize(self.stored.height, self.stored.width)
        return self.stored


def read_header(data: bytes | memoryview) -> ImageHeader:
    """Read format, size and orientation without decoding the picture.

    Raises:
        EncodingError: it is neither JPEG nor PNG, or its header is damaged.
    """
    try:
        if data[:2] == b'\xff\xd8':
            header = _jpeg_header(data)
        elif data[:8] == b'\x89PNG\r\n\x1a\n' and data[12:16] == b'IHDR':
            header = ImageHeader('png', ImageSize(*struct.unpack('>II', data[16:24])))
        else:
            raise EncodingError('the compressed image is neither JPEG nor PNG')
    except (struct.error, IndexError):
        raise EncodingError('the compressed image is cut off within its header') from None
    width, height = header.stored
    if not 0 < width * height <= MAX_PIXELS:
        raise EncodingError(f'the header of the compressed image says {width}x{height} pixels')
    return header


def encode_compressed(data: bytes, outgoing: OutgoingImage | None = None) -> EncodedImage:
    """Pass a compressed image on untouched, unless it has to be turned upright or edited.

    What is edited is encoded anew: nothing else that was in the file, such as a thumbnail,
    goes along.

    Args:
        data: a JPEG or PNG file.
        outgoing: how it leaves; None: as it is.

    Raises:
        EncodingError: it cannot be decoded or encoded.
    """
    header = read_header(data)
    if header.orientation == 1 and (outgoing is None or outgoing.untouched):
        return EncodedImage(bytes(data), header.size, header.format)
    return encode_frame(_decode(data, header), outgoing)


def encode_frame(pixels: Pixels, outgoing: OutgoingImage | None = None) -> EncodedImage:
    """Encode what leaves of a frame's upright pixels, BGR (H, W, 3) or grey (H, W).

    Raises:
        EncodingError: they are not of the size that was planned for, or cannot be encoded.
    """
    if outgoing is None:
        return encode_pixels(pixels)
    try:
        pixels = apply(pixels, outgoing)
    except ValueError as error:
        raise EncodingError(str(error)) from None
    return encode_pixels(pixels, outgoing.quality, outgoing.format)


def encode_pixels(pixels: Pixels, quality: int = JPEG_QUALITY, form: str = 'jpeg') -> EncodedImage:
    """Encode BGR (H, W, 3) or grey (H, W) pixels as JPEG or PNG.

    Raises:
        EncodingError: OpenCV cannot encode them (a side over 65,500 pixels, no pixels).
    """
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality] if form == 'jpeg' else []
    what = f'the image cannot be encoded as {form.upper()}'
    try:
        done, data = cv2.imencode(f'.{form}', pixels, flags)
    except cv2.error as error:
        raise EncodingError(f'{what}: {error.err}') from None
    if not done:
        raise EncodingError(what)
    return EncodedImage(data.tobytes(), ImageSize(pixels.shape[1], pixels.shape[0]), form)


def decode_upright(data: bytes) -> Pixels:
    """Decode a JPEG or PNG file to upright BGR pixels (H, W, 3).

    Raises:
        EncodingError: it cannot be decoded.
    """
    return _decode(data, read_header(data))


def decode_pixels(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Pixels:
    """Decode to BGR pixels (H, W, 3), upright as OpenCV reads them unless `flags` say otherwise.

    Raises:
        EncodingError: they cannot be decoded.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise EncodingError(f'the compressed image cannot be decoded: {error.err}') from None
    if pixels is None:
        raise EncodingError('the compressed image cannot be decoded')
    return np.asarray(pixels, np.uint8)


def _decode(data: bytes, header: ImageHeader) -> Pixels:
    """Decode to upright BGR pixels (H, W, 3), turned as our own reading of the header says.

    A decoder that read the orientation otherwise would put what is to be hidden elsewhere.
    """
    pixels = decode_pixels(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels.shape[1::-1] != header.stored:
        raise EncodingError('the size of the compressed image differs from its header')
    if header.orientation in _SIDEWAYS:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    if (flip := _FLIPS.get(header.orientation)) is not None:
        pixels = np.asarray(cv2.flip(pixels, flip), np.uint8)
    return pixels


def _jpeg_header(data: bytes | memoryview) -> ImageHeader:
    orientation = 1
    at = 2
    # Bounded, as it is read in the camera's callback.
    for _ in range(MAX_SEGMENTS):
        ahead = bytes(data[at : at + MAX_FILL])
        rest = ahead.partition(b'\xff')[2].lstrip(b'\xff')
        marker = rest[0]
        at += len(ahead) - len(rest) + 1
        if marker in _STANDALONE:
            continue
        if marker in (0xD9, 0xDA):
            raise EncodingError('the JPEG has no frame header')
        (length,) = struct.unpack('>H', data[at : at + 2])
        if length < 2:
            raise EncodingError('the JPEG has a segment without a length')
        if marker in _SOF:
            height, width = struct.unpack('>HH', data[at + 3 : at + 7])
            return ImageHeader('jpeg', ImageSize(width, height), orientation)
        if marker == 0xE1 and data[at + 2 : at + 8] == b'Exif\0\0':
            orientation = _exif_orientation(bytes(data[at + 8 : at + length]))
        at += length
    raise EncodingError(f'the JPEG has more than {MAX_SEGMENTS} segments before its picture')


def _exif_orientation(tiff: bytes) -> int:
    """Read EXIF's orientation tag; a damaged block counts as upright, as decoders treat it."""
    order = {b'II': '<', b'MM': '>'}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack(f'{order}I', tiff[4:8])
        (entries,) = struct.unpack(f'{order}H', tiff[directory : directory + 2])
        for index in range(min(entries, MAX_EXIF_ENTRIES)):
            start = directory + 2 + index * 12
            entry = tiff[start : start + 12]
            tag, kind = struct.unpack(f'{order}HH', entry[:4])
            if tag == _ORIENTATION_TAG and kind == 3:
                (value,) = struct.unpack(f'{order}H', entry[8:10])
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
