# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The committed truth fits the default photographs, and they are recognised by what they show."""

import json
from importlib.resources import files
from importlib.util import find_spec
from itertools import combinations

import cv2
import numpy as np
import pytest

from spark_ros.demo.detector import Detector
from spark_ros.demo.photographs import Photograph, default_photographs
from spark_ros.service.scripted.recognise import Truth, dhash

TRUTH = files('spark_ros.demo') / 'truth.json'

if find_spec('skimage') is None:
    pytest.skip('scikit-image is not installed', allow_module_level=True)


@pytest.fixture(scope='module')
def photographs() -> list[Photograph]:
    return default_photographs()


@pytest.fixture(scope='module')
def truth() -> Truth:
    return Truth.load(str(TRUTH))


def test_every_photograph_has_an_entry_of_its_size_and_hash(photographs):
    entries = {entry['name']: entry for entry in json.loads(TRUTH.read_text())['images']}
    assert list(entries) == [photograph.name for photograph in photographs]
    for photograph in photographs:
        entry = entries[photograph.name]
        assert photograph.image.shape == (entry['height'], entry['width'], 3)
        assert _distance(int(entry['dhash'], 16), dhash(photograph.image)) <= 2
        assert {each['label'] for each in entry['annotations']} <= set(Detector.labels)


def test_no_two_photographs_are_alike(photographs):
    for one, other in combinations(photographs, 2):
        assert _distance(dhash(one.image), dhash(other.image)) > 12, (one.name, other.name)


def test_a_photograph_is_recognised_after_compression_and_scaling(photographs, truth):
    for photograph in photographs:
        exact = truth.find(photograph.image)
        small = cv2.resize(photograph.image, None, fx=0.75, fy=0.75)
        for image in (_jpeg(photograph.image), small, _jpeg(small)):
            assert truth.name(image) == photograph.name
            found = truth.find(image)
            scale = image.shape[1] / photograph.image.shape[1]
            assert [label for label, _ in found] == [label for label, _ in exact]
            for (_, box), (_, expected) in zip(found, exact, strict=True):
                assert box == pytest.approx([side * scale for side in expected], abs=1.0)


def test_another_picture_is_not_recognised(photographs, truth):
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    assert truth.find(noise) is None
    assert truth.find(np.zeros((512, 512, 3), np.uint8)) is None
    squeezed = cv2.resize(photographs[0].image, (512, 300))
    assert truth.find(squeezed) is None


@pytest.mark.parametrize(('change', 'message'), [
    ({'width': 0}, r'images\[0\]\.width: expected a number above 0'),
    ({'height': 'tall'}, r'images\[0\]\.height: expected a number'),
    ({'dhash': 'xyz'}, r'images\[0\]\.dhash: expected 16 hexadecimal digits'),
    ({'annotations': None}, r'images\[0\]\.annotations: expected a list'),
    ({'annotations': [{'box': [0, 0, 1, 1]}]}, r'annotations\[0\]\.label: expected a text'),
    ({'annotations': [{'label': 'a', 'box': [0, 0, 1]}]}, r'annotations\[0\]\.box: expected \[x'),
    ({'annotations': [{'label': 'a', 'box': [0, 0, 1, float('nan')]}]}, 'expected a number'),
    ({'annotations': [{'label': 'a', 'box': [5, 0, 6, 1]}]}, 'reaches out of the 10 x 10 image'),
])
def test_a_malformed_entry_is_refused_with_its_place(tmp_path, change, message):
    entry = {'name': 'a', 'width': 10, 'height': 10, 'dhash': '0' * 16, 'annotations': []}
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps({'images': [{**entry, **change}]}))
    with pytest.raises(ValueError, match=message):
        Truth.load(path)


@pytest.mark.parametrize('text', ['', '{', '[]', '{}', '{"images": {}}', '{"images": [1]}'])
def test_a_malformed_file_is_refused_by_name(tmp_path, text):
    path = tmp_path / 'truth.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'truth\.json'):
        Truth.load(path)


def _jpeg(image: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def _distance(one: int, other: int) -> int:
    return bin(one ^ other).count('1')
