# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The frames of the demo: real photographs, or the images or the video that the caller has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.errors import DemoError
from spark_ros.demo.image_files import find_images
from spark_ros.drawing.canvas import fitted

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """One frame: a name that is unique among its list, and BGR pixels (H, W, 3), uint8."""

    name: str
    image: Image


@dataclass(frozen=True)
class _View:
    """How a robot's camera might see a photograph of the library.

    ``crop`` is (x, y, width, height) in pixels of the photograph; ``zoom`` scales the crop;
    ``gamma`` above 1 darkens as a short exposure does; ``blur`` is the length in pixels of the
    view of a sideways motion during the exposure.
    """

    name: str
    source: str
    crop: tuple[int, int, int, int] | None = None
    zoom: float = 1.0
    mirror: bool = False
    gamma: float = 1.0
    blur: int = 0


_VIEWS = (
    _View('astronaut', 'astronaut.png'),
    _View('rocket', 'rocket.jpg'),
    _View('chelsea', 'chelsea.png'),
    _View('photographer', 'camera.png'),
    _View('astronaut_close', 'astronaut.png', crop=(96, 0, 256, 224), zoom=2.0),
    _View('motorcycle', 'motorcycle_left.png'),
    _View('chelsea_dusk', 'chelsea.png', mirror=True, gamma=2.2),
    _View('coffee', 'coffee.png'),
    _View('photographer_dusk', 'camera.png', crop=(0, 30, 380, 482), mirror=True, gamma=2.0),
    _View(
        'astronaut_shaken', 'astronaut.png', crop=(60, 20, 300, 300), zoom=1.5, mirror=True,
        gamma=2.2, blur=13,
    ),
)


def default_photographs() -> list[Photograph]:
    """Give the ten frames for which ``truth.json`` holds boxes, from six photographs.

    The photographs are files inside scikit-image's wheel, so nothing is downloaded. Some frames
    are views of one photograph: closer, mirrored, in poor light, in motion.

    Raises:
        DemoError: scikit-image is not installed, or its wheel lacks a photograph.
    """
    folder = _library_folder()
    return [Photograph(view.name, _see(view, folder)) for view in _VIEWS]


def _library_folder() -> Path:
    spec = find_spec('skimage')
    if spec is None or not spec.submodule_search_locations:
        raise DemoError(
            'the demo photographs come with scikit-image, which is not installed: '
            '`pip install scikit-image`, or give a folder of your own images'
        )
    return Path(spec.submodule_search_locations[0]) / 'data'


def _see(view: _View, folder: Path) -> Image:
    image = cv2.imread(str(folder / view.source), cv2.IMREAD_COLOR)
    if image is None:
        raise DemoError(f'{folder / view.source} is missing: this scikit-image does not carry '
                           'the demo photographs, version 0.25 or 0.26 does')
    if view.crop is not None:
        x, y, width, height = view.crop
        image = image[y:y + height, x:x + width]
    if view.zoom != 1.0:
        image = cv2.resize(image, None, fx=view.zoom, fy=view.zoom, interpolation=cv2.INTER_CUBIC)
    if view.mirror:
        image = cv2.flip(image, 1)
    if view.gamma != 1.0:
        curve = 255 * 0.8 * (np.arange(256) / 255) ** view.gamma
        image = cv2.LUT(image, curve.astype(np.uint8))
    if view.blur:
        image = cv2.blur(image, (view.blur, 1))
    return np.ascontiguousarray(image, np.uint8)


def load_images(
    path: Path | str, tell: Callable[[str], None], limit: int = 40, longest_px: int = 1920
) -> Iterator[Photograph]:
    """Load the caller's own frames from a folder of images, one image, or a video file.

    A folder is read in the order of its file names, each image when it is its turn, EXIF
    orientation applied. Of a video every k-th frame is taken.

    Args:
        path: the folder or the file.
        tell: called with a line for each image that is whole but cannot be read.
        limit: at most so many frames are given.
        longest_px: larger images are scaled down until their longer side has this many pixels.

    Raises:
        DemoError: there is nothing at ``path``, or nothing in it can be read.
    """
    found = find_images(path, limit)
    frames = (
        _from_video(found.files[0], limit, longest_px)
        if found.video
        else _from_files(found.files, tell, longest_px)
    )
    empty = True
    for frame in frames:
        empty = False
        yield frame
    if empty:
        raise DemoError(f'{path}: no image or video frame could be read')


def check_video(path: Path) -> None:
    """Raise DemoError if OpenCV cannot read a file as a video."""
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.grab():
            raise DemoError(f'{path}: neither an image nor a video that OpenCV can read')
    finally:
        capture.release()


def _from_files(
    files: list[Path], tell: Callable[[str], None], longest_px: int
) -> Iterator[Photograph]:
    stems = [file.stem for file in files]
    for file in files:
        image = _read(file)
        if image is None:
            tell(f'{file.name} is skipped: OpenCV cannot read it')
            continue
        name = file.stem if stems.count(file.stem) == 1 else file.name
        yield Photograph(name, fitted(image, 1, longest_px))


def _read(file: Path) -> Image | None:
    """Read BGR pixels, turned as EXIF says (IMREAD_COLOR does that), or None."""
    try:
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _from_video(path: Path, limit: int, longest_px: int) -> Iterator[Photograph]:
    """Take every k-th frame; k doubles as needed, since a file's frame count may be wrong."""
    capture = cv2.VideoCapture(str(path))
    kept: list[Photograph] = []
    stride, index = 1, 0
    try:
        while capture.grab():
            if index % stride == 0:
                read, image = capture.retrieve()
                if read:
                    name = f'{path.stem}_{index:06d}'
                    shrunk = fitted(np.asarray(image, np.uint8), 1, longest_px)
                    kept.append(Photograph(name, shrunk))
            if len(kept) > limit:
                kept, stride = kept[::2], stride * 2
            index += 1
    finally:
        capture.release()
    yield from kept
