# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's frames: those it brings, and the caller's own."""

import logging
import struct

import cv2
import numpy as np
import pytest

from spark_ros.demo import photographs
from spark_ros.demo.photographs import default_photographs, load_images


def test_the_default_photographs_are_named_moderate_colour_images():
    pytest.importorskip('skimage')
    frames = default_photographs()
    assert 8 <= len(frames) <= 12
    assert len({frame.name for frame in frames}) == len(frames)
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.ndim == 3
        assert max(frame.image.shape) <= 800


def test_without_scikit_image_the_error_tells_what_to_do(monkeypatch):
    monkeypatch.setattr(photographs, 'find_spec', lambda name: None)
    with pytest.raises(RuntimeError, match='pip install scikit-image'):
        default_photographs()


def test_a_folder_is_read_in_order_and_a_broken_file_is_named(tmp_path, caplog):
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((20, 30, 3), 200, np.uint8))
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.full((10, 40, 3), 100, np.uint8))
    (tmp_path / 'broken.png').write_bytes(b'not a picture')
    (tmp_path / 'empty.jpg').touch()
    (tmp_path / '.hidden').write_text('')
    (tmp_path / 'folder').mkdir()
    with caplog.at_level(logging.WARNING):
        frames = load_images(tmp_path)
    assert [(frame.name, frame.image.shape) for frame in frames] == [
        ('a', (10, 40, 3)), ('b', (20, 30, 3))]
    assert 'broken.png' in caplog.text
    assert 'empty.jpg' in caplog.text
    assert '.hidden' not in caplog.text


def test_files_that_differ_in_their_ending_only_keep_it(tmp_path):
    for name in ('a.png', 'a.jpg'):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    assert [frame.name for frame in load_images(tmp_path)] == ['a.jpg', 'a.png']


def test_grey_transparent_and_deep_images_become_8_bit_colour(tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((9, 9), 7, np.uint8))
    cv2.imwrite(str(tmp_path / 'deep.png'), np.full((9, 9, 3), 7 * 256, np.uint16))
    cv2.imwrite(str(tmp_path / 'transparent.png'), np.full((9, 9, 4), 7, np.uint8))
    for frame in load_images(tmp_path):
        assert frame.image.shape == (9, 9, 3)
        assert frame.image.dtype == np.uint8
        assert (frame.image == 7).all()


def test_exif_orientation_is_honoured(tmp_path):
    _, data = cv2.imencode('.jpg', np.zeros((20, 40, 3), np.uint8))
    turned_right = struct.pack('<2sHIHHHIHHI', b'II', 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b'Exif\0\0' + turned_right
    segment = b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif
    (tmp_path / 'a.jpg').write_bytes(data.tobytes()[:2] + segment + data.tobytes()[2:])
    assert load_images(tmp_path)[0].image.shape == (40, 20, 3)


def test_large_images_are_scaled_down_and_many_are_cut_off(tmp_path, caplog):
    for index in range(5):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.zeros((300, 600, 3), np.uint8))
    with caplog.at_level(logging.WARNING):
        frames = load_images(tmp_path, limit=3, longest_px=100)
    assert [frame.image.shape for frame in frames] == [(50, 100, 3)] * 3
    assert '2 files are left out' in caplog.text


def test_one_image_is_a_list_of_one(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    assert [frame.name for frame in load_images(tmp_path / 'a.png')] == ['a']


@pytest.mark.parametrize(('limit', 'indices'), [
    (40, list(range(20))), (20, list(range(20))), (7, [0, 4, 8, 12, 16]), (1, [0]),
])
def test_of_a_video_every_kth_frame_is_taken(tmp_path, limit, indices):
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    if not writer.isOpened():
        pytest.skip('this OpenCV writes no video')
    for index in range(20):
        writer.write(np.full((48, 64, 3), index * 10, np.uint8))
    writer.release()
    frames = load_images(path, limit=limit)
    assert [frame.name for frame in frames] == [f'drive_{index:06d}' for index in indices]
    for frame, index in zip(frames, indices, strict=True):
        assert frame.image.shape == (48, 64, 3)
        assert abs(float(frame.image.mean()) - index * 10) < 4


def test_where_nothing_can_be_read_the_path_is_named(tmp_path):
    (tmp_path / 'notes.txt').write_text('no pictures here')
    for path in (tmp_path, tmp_path / 'notes.txt', tmp_path / 'absent'):
        with pytest.raises(ValueError, match=path.name):
            load_images(path)
    with pytest.raises(ValueError, match='limit is 0'):
        load_images(tmp_path, limit=0)
