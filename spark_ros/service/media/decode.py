# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Find out what an image is by decoding it. Not for the service's process: see `decoder`."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import replace

# WebP and TIFF are imported so that Pillow need not import all its formats to find them.
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from spark_ros.service.errors import ApiError
from spark_ros.service.media.sniff import FORMATS, Format
from spark_ros.service.media.thumbnail import thumbnail_of, thumbnail_size

# A JPEG is decoded at an eighth of its size, or more where a thumbnail needs it; of the other
# formats every pixel is.
MAX_PIXELS_UNLESS_JPEG = 24_000_000
MAX_SCANS = 100
EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Of JPEG's markers (ITU-T T.81, B.1.1) those that begin a segment, and the end of the image.
MARKER = re.compile(rb'\xff([\xc0-\xcf\xd9-\xfe])')

__all__ = ['TiffImagePlugin', 'WebPImagePlugin', 'decode_image']


def decode_image(content: bytes, max_pixels: int, part: str = 'image_file') -> Format:
    """Decode an image; say which format it has and how large it is upright, with a thumbnail.

    Args:
        max_pixels: of a JPEG; other formats may have no more than 24 million.
        part: the image's name in errors.

    Raises:
        ApiError: 415 when it is none of the accepted formats, 413 when it has too many pixels or
            scans or needs too much memory, 400 when it is one of them but does not decode. It has
            a cause where a decoder failed.
    """
    limit = max_pixels
    if not content.startswith(b'\xff\xd8'):
        limit = min(limit, MAX_PIXELS_UNLESS_JPEG)
    elif _has_too_many_scans(content):
        raise ApiError(413, f'{part} has more than {MAX_SCANS} scans')
    if size := _webp_size(content):
        # Opening it would already take the memory for all of its pixels.
        _expect_few_pixels(size, limit, part)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            image = Image.open(io.BytesIO(content), formats=tuple(FORMATS))
            with image:
                _expect_few_pixels(image.size, limit, part)
                return _decoded(image)
    except ApiError:
        raise
    except UnidentifiedImageError:
        raise ApiError(
            415, f'{part} is not a JPEG, PNG, GIF, BMP, TIFF or WebP image'
        ) from None
    except Image.DecompressionBombError:
        raise ApiError(413, f'{part} has more than {limit} pixels') from None
    except Exception as error:
        # A broken file can make a decoder raise nearly anything.
        if isinstance(error, MemoryError) or 'out of memory' in str(error):
            raise ApiError(413, f'{part} needs too much memory to decode') from error
        raise ApiError(400, f'{part} does not decode: {error}') from error


def _decoded(image: Image.Image) -> Format:
    # Pillow calls a JPEG with an embedded preview MPO.
    name = 'JPEG' if image.format == 'MPO' else str(image.format)
    width, height = image.size
    # Less than a JPEG's size is enough to know that it can be read to its end.
    image.draft('RGB', thumbnail_size(image.size))
    image.load()
    orientation = _orientation(image)
    if orientation in TURNED:
        width, height = height, width
    small = thumbnail_of(image, orientation)
    return replace(FORMATS[name], width=width, height=height, thumbnail=small)


def _orientation(image: Image.Image) -> int | None:
    try:
        # Of a TIFF none is left, since loading it turns it upright.
        return image.getexif().get(EXIF_ORIENTATION)
    except Exception:
        # Damaged metadata counts as upright, as browsers treat it.
        return None


def _expect_few_pixels(size: tuple[int, int], limit: int, part: str) -> None:
    width, height = size
    if width * height > limit:
        raise ApiError(413, f'{part} is {width}x{height}; at most {limit} pixels are accepted')


def _has_too_many_scans(content: bytes) -> bool:
    """Whether a JPEG has more scans than any camera writes; each costs as much as an image."""
    at, scans = 2, 0
    while scans <= MAX_SCANS and (found := MARKER.search(content, at)):
        marker, at = found[1][0], found.end()
        if marker == END_OF_IMAGE:
            # What follows is a preview or a video.
            return False
        scans += marker == START_OF_SCAN
        at += int.from_bytes(content[at : at + 2], 'big')
    return scans > MAX_SCANS


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Read the size of a WebP's canvas (RFC 9649, 2.5 to 2.7 and 3.4); None if it is none."""
    if content[:4] != b'RIFF' or content[8:12] != b'WEBP':
        return None

    def number(start: int, length: int) -> int:
        return int.from_bytes(content[start : start + length], 'little')

    if content[12:16] == b'VP8X':
        return number(24, 3) + 1, number(27, 3) + 1
    if content[12:16] == b'VP8L':
        return number(21, 4) % 2**14 + 1, (number(21, 4) >> 14) % 2**14 + 1
    return number(26, 2) % 2**14, number(28, 2) % 2**14
