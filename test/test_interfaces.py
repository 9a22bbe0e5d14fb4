# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The messages: ours are complete, and vision_msgs is the released one on the wire."""

import json
import os
import sys
from pathlib import Path

import pytest
import vision_msgs.msg
from rclpy.serialization import deserialize_message, serialize_message

import spark_ros.action
import spark_ros.msg
import spark_ros.srv

# Of vision_msgs as released; 4.1.1 (Humble, Jazzy) and 4.2.0 (Kilted, Lyrical) have one set.
RELEASED_HASHES = {
    'BoundingBox2D': 'RIHS01_008eacbb0cf8f26e83795547bed013eec3675485ef386ec056d80eaaf1c1ce2f',
    'Detection2D': 'RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea',
    'Detection2DArray': 'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968',
    'LabelInfo': 'RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
    'ObjectHypothesis': 'RIHS01_51da43cec11c01957a64d1e05a24acd18aae7745ec30b74348ad5f6d634f7f90',
    'ObjectHypothesisWithPose': (
        'RIHS01_41c12344c0396c48b81df12467c192d99b2a0eb1463c5c37194e4223251c80bc'
    ),
    'Point2D': 'RIHS01_eab0e83f44ab4de92ceaf76dd7d0e7638f2bdd1d16ffbe16c7a136c48e407247',
    'Pose2D': 'RIHS01_b0b5d1d7b4c20dd4fcde3ed1d4b289a919290572007d67a97043814db25d3648',
    'VisionClass': 'RIHS01_1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a',
}

STATES = {
    'STATE_QUEUED': 0,
    'STATE_OPEN': 1,
    'STATE_ASSIGNED': 2,
    'STATE_CLOSED': 3,
    'STATE_FLAGGED': 4,
    'STATE_FAILED': 5,
    'STATE_EXPIRED': 6,
    'STATE_CANCELED': 7,
    'STATE_WOULD_ASK': 8,
}
FRAME_MATCHES = {'FRAME_MATCH_EXACT': 0, 'FRAME_MATCH_NEAREST': 1, 'FRAME_MATCH_NEWEST': 2}

CONSTANTS = {
    'Annotation': {'TYPE_BOUNDING_BOX': 0, 'TYPE_POLYGON': 1, 'TYPE_DOT': 2},
    'Correction': {
        'KIND_CONFIRMED': 0,
        'KIND_MODIFIED': 1,
        'KIND_ADDED': 2,
        'KIND_REMOVED': 3,
        'KIND_UNMENTIONED': 4,
    },
    'EngagementStatus': STATES,
    'Question': {
        'KIND_ANNOTATE': 0,
        'KIND_MULTIPLE_CHOICE': 1,
        'KIND_FREE_TEXT': 2,
        'KIND_RATING': 3,
    },
    'Resolution': STATES | FRAME_MATCHES,
    'Vertex': {},
}

FIELDS = {
    'Annotation': 'id label type vertices score attributes',
    'Correction': 'kind original corrected',
    'EngagementStatus': 'header id token camera state detail',
    'Question': (
        'kind instructions label_options choices min_answers max_answers validation '
        'rating_min rating_max rating_step label_min label_max'
    ),
    'Resolution': (
        'header id token camera state response answers has_rating rating corrections annotations '
        'feedback flags late frame_match image_width image_height image_crop image_url program '
        'created closed response_time metadata'
    ),
    'Vertex': 'x y',
}


def share(package: str) -> Path:
    """Return a package's share directory, sourced or in an environment that is a prefix."""
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    for prefix in filter(None, prefixes):
        if (directory := Path(prefix) / 'share' / package).is_dir():
            return directory
    raise LookupError(f'{package} is in none of {prefixes}')


@pytest.mark.parametrize('name', RELEASED_HASHES)
def test_vision_msgs_is_the_released_one_on_the_wire(name):
    description = share('vision_msgs') / 'msg' / f'{name}.json'
    if not description.exists():
        pytest.skip('this distribution has no type hashes yet')
    described = json.loads(description.read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in described['type_hashes']}
    assert hashes[f'vision_msgs/msg/{name}'] == RELEASED_HASHES[name]
    assert hasattr(vision_msgs.msg, name)


@pytest.mark.parametrize('name', CONSTANTS)
def test_constants_keep_their_numbers(name):
    message = getattr(spark_ros.msg, name)
    constants = {key: getattr(message, key) for key in CONSTANTS[name]}
    assert constants == CONSTANTS[name]


@pytest.mark.parametrize('name', FIELDS)
def test_fields_keep_their_names_and_order(name):
    message = getattr(spark_ros.msg, name)
    assert ' '.join(message.get_fields_and_field_types()) == FIELDS[name]


def test_action_holds_a_goal_a_result_and_feedback():
    engage = spark_ros.action.Engage
    assert list(engage.Goal.get_fields_and_field_types()) == [
        'camera', 'stamp', 'image', 'question', 'priors', 'program', 'priority', 'timeout',
        'metadata']
    assert list(engage.Result.get_fields_and_field_types()) == ['success', 'reason', 'resolution']
    assert list(engage.Feedback.get_fields_and_field_types()) == ['status']


def test_services_keep_their_fields():
    services = spark_ros.srv
    fields = {
        name: [
            ' '.join(half.get_fields_and_field_types())
            for half in (getattr(services, name).Request, getattr(services, name).Response)
        ]
        for name in ('CancelEngagement', 'ListEngagements')
    }
    assert fields == {
        'CancelEngagement': ['id', 'success message'],
        'ListEngagements': ['camera', 'engagements created deadlines'],
    }


def test_a_resolution_survives_the_wire():
    dot = spark_ros.msg.Annotation(
        id='7',
        label='mug',
        type=spark_ros.msg.Annotation.TYPE_DOT,
        vertices=[spark_ros.msg.Vertex(x=0.25, y=0.5)],
        score=0.4,
    )
    sent = spark_ros.msg.Resolution(
        id='a',
        state=spark_ros.msg.Resolution.STATE_CLOSED,
        annotations=[dot],
        corrections=[spark_ros.msg.Correction(
            kind=spark_ros.msg.Correction.KIND_ADDED, corrected=dot)],
    )
    assert deserialize_message(serialize_message(sent), spark_ros.msg.Resolution) == sent
