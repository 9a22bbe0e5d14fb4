# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What uploaded bytes really are; a declared content type or file name is not believed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import IO

from PIL import Image, UnidentifiedImageError

from spark_ros.service.errors import ApiError


@dataclass(frozen=True)
class Format:
    """A format that is accepted: its content type and the extension of its files."""

    content_type: str
    extension: str


FORMATS = {
    'JPEG': Format('image/jpeg', 'jpg'),
    'PNG': Format('image/png', 'png'),
    'GIF': Format('image/gif', 'gif'),
    'BMP': Format('image/bmp', 'bmp'),
    'TIFF': Format('image/tiff', 'tif'),
    'WEBP': Format('image/webp', 'webp'),
}
MP4 = Format('video/mp4', 'mp4')
MP4_BRANDS = (b'isom', b'iso2', b'iso4', b'iso5', b'iso6', b'mp41', b'mp42', b'avc1', b'dash')


def sniff_image(file: IO[bytes], max_pixels: int) -> Format:
    """Say which format an image has, after decoding it.

    Raises:
        ApiError: 415 when it is none of the accepted formats, 413 when it has too many pixels,
            400 when it is one of them but does not decode.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            image = Image.open(file, formats=tuple(FORMATS))
    except UnidentifiedImageError:
        raise ApiError(
            415, 'image_file is not a JPEG, PNG, GIF, BMP, TIFF or WebP image'
        ) from None
    except Image.DecompressionBombError:
        raise ApiError(413, f'image_file has more than {max_pixels} pixels') from None
    except Exception as error:
        raise ApiError(400, f'image_file does not decode: {error}') from None
    with image:
        width, height = image.size
        if width * height > max_pixels:
            raise ApiError(
                413, f'image_file is {width}x{height}; at most {max_pixels} pixels are accepted'
            )
        # Pillow calls a JPEG with an embedded preview MPO.
        name = 'JPEG' if image.format == 'MPO' else str(image.format)
        try:
            # A JPEG is read to its end at an eighth of its size, which is enough to know.
            image.draft('RGB', (1, 1))
            image.load()
        except Exception as error:
            # A broken file can make a decoder raise nearly anything.
            raise ApiError(400, f'image_file does not decode: {error}') from None
    return FORMATS[name]


def sniff_video(file: IO[bytes]) -> Format:
    """Say whether a file is an MP4, by its `ftyp` box.

    Raises:
        ApiError: 415 when it is not.
    """
    file.seek(0)
    head = file.read(64)
    size = int.from_bytes(head[:4], 'big')
    brands = (head[8:12], *(head[at : at + 4] for at in range(16, min(size, 64), 4)))
    if head[4:8] != b'ftyp' or not any(brand in MP4_BRANDS for brand in brands):
        raise ApiError(415, 'video_file is not an MP4 video')
    return MP4
