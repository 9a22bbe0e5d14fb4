# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Find the caller's images and tell which of them are damaged, without decoding any.

OpenCV decodes a JPEG that is cut off to a picture whose lower part is grey, and says nothing. So
the files are read here first: quickly, and with the standard library alone, so that a wrong path
is refused before anything else is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from spark_ros.demo.errors import DemoError

NAMED_JPEG_OR_PNG = ('.jpe', '.jpeg', '.jpg', '.png')
# Of these OpenCV reads those for which it was built; one that it does not read is named later.
IMAGE_ENDINGS = (
    *NAMED_JPEG_OR_PNG, '.avif', '.bmp', '.dib', '.exr', '.gif', '.hdr', '.heic', '.heif', '.jp2',
    '.pbm', '.pgm', '.pnm', '.ppm', '.tif', '.tiff', '.webp',
)  # fmt: skip
JPEG, PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
# What phones and programs save under the name of a JPEG or PNG now and then.
OTHER_IMAGES = (b'BM', b'GIF8', b'II*\0', b'MM\0*', b'RIFF')
HEIF_BRANDS = (b'ftypheic', b'ftypheix', b'ftypmif1')
# Within the compressed data of a JPEG, 0xFF stands before 0 or a restart marker only.
_NEXT_MARKER = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
_END_OF_IMAGE = 0xD9
_NAMED = 3


@dataclass
class ImageFiles:
    """What was found.

    Attributes:
        files: the images that look whole, in the order of their names; or the one video.
        video: whether that is a video.
        remarks: what was skipped and why, one line each.
    """

    files: list[Path] = field(default_factory=list)
    video: bool = False
    remarks: list[str] = field(default_factory=list)


def find_images(path: Path | str, limit: int = 40) -> ImageFiles:
    """Look for images in a folder, or at a path that is an image or a video.

    Hidden files are ignored.

    Args:
        path: the folder or the file.
        limit: so many images are enough.

    Raises:
        DemoError: there is nothing at the path, or no image in it is whole.
        ValueError: the limit is less than 1.
    """
    path = Path(path)
    if limit < 1:
        raise ValueError(f'limit is {limit}, at least one frame is needed')
    if path.is_dir():
        return _in_folder(path, limit)
    if not path.is_file():
        raise DemoError(f'{path}: no such folder or file')
    if not _is_image(path):
        return ImageFiles([path], video=True)
    if damage := damage_of(path):
        raise DemoError(f'{path}: {damage}')
    return ImageFiles([path])


def damage_of(file: Path) -> str:
    """Say why an image file cannot be used, or return an empty string.

    JPEG and PNG are followed to their end, whatever the file's name says they are.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        return error.strerror or str(error)
    if not data:
        return 'the file is empty'
    if data.startswith(JPEG):
        return '' if _jpeg_is_whole(data) else 'the image is cut off'
    if data.startswith(PNG):
        return '' if _png_is_whole(data) else 'the image is cut off'
    if data[4:12] in HEIF_BRANDS:
        return 'OpenCV does not read HEIC; convert it to JPEG'
    if file.suffix.lower() in NAMED_JPEG_OR_PNG and not data.startswith(OTHER_IMAGES):
        return 'not an image, in spite of its name'
    return ''


def _in_folder(folder: Path, limit: int) -> ImageFiles:
    try:
        there = sorted(
            file for file in folder.iterdir() if file.is_file() and not file.name.startswith('.')
        )
    except OSError as error:
        raise DemoError(f'{folder}: {error.strerror}') from None
    images = [file for file in there if _is_image(file)]
    found = ImageFiles()
    for place, file in enumerate(images):
        if len(found.files) == limit:
            found.remarks.append(
                f'only the first {limit} images are used, {len(images) - place} are left out'
            )
            break
        if damage := damage_of(file):
            found.remarks.append(f'{file.name} is skipped: {damage}')
        else:
            found.files.append(file)
    others = [file.name for file in there if file not in images]
    if others:
        more = f' and {len(others) - _NAMED} more' if len(others) > _NAMED else ''
        names = ', '.join(others[:_NAMED])
        found.remarks.append(f'no images, ignored: {names}{more}')
    if not images:
        raise DemoError(f'{folder}: there is no image in this folder')
    if not found.files:
        raise DemoError(
            f'{folder}: no image can be used: {"; ".join(found.remarks[:_NAMED])}')
    return found


def _is_image(file: Path) -> bool:
    """Tell by the name's ending, or by the first bytes of a JPEG or PNG."""
    if file.suffix.lower() in IMAGE_ENDINGS:
        return True
    try:
        with file.open('rb') as stream:
            return stream.read(len(PNG)).startswith((JPEG, PNG))
    except OSError:
        return False


def _jpeg_is_whole(data: bytes) -> bool:
    """Follow the segments to the end marker: a thumbnail in one of them has its own."""
    at = 2
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        marker, at = data[found.end() - 1], found.end()
        if marker == _END_OF_IMAGE:
            return True
        at += int.from_bytes(data[at:at + 2], 'big')
    return False


def _png_is_whole(data: bytes) -> bool:
    at = len(PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at:at + 4], 'big')
        if data[at + 4:at + 8] == b'IEND':
            return True
        at += 12 + length
    return False
