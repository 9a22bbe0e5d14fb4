# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which answers fit a Heat request, at the edges, and the shape the page gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from spark_ros.geometry import ImageSize
from spark_ros.wire.heat import (
    MAX_ANNOTATIONS,
    PER_ANNOTATION,
    HeatRequest,
    parse_heat_request,
)
from spark_ros.wire.heat_response import check_response
from spark_ros.wire.values import WireError

PAGE = (Path(__file__).parent / 'data' / 'heat_page.txt').read_text()
URL = 'http://images.example/a.jpg'
SIZE = ImageSize(640, 480)
NAN, INF = float('nan'), float('inf')


def asked(type: str, **fields: Any) -> HeatRequest:
    """A request of a type, the shortest with these fields over it."""
    body: dict[str, Any] = {'instruction': 'Look.'}
    if type == 'multiple-choice':
        body['choices'] = ['a', 'b', 'c']
    if type.startswith('annotations'):
        body |= {'attachments_type': 'image', 'attachments': [URL]}
    return parse_heat_request(type, body | fields)


def page_answers() -> list[Any]:
    """The page's complete answers, each of which repeats the request it answers."""
    found = [
        json.JSONDecoder().raw_decode(PAGE, match.end())[0]
        for match in re.finditer(r'^ANSWER\n\n', PAGE, re.MULTILINE)
    ]
    # One example answers a multiple choice with a string; the parameters' table says an array.
    return [a for a in found if 'type' in a and a['response'] != 'no violence']


@pytest.mark.parametrize('answer', page_answers(), ids=lambda answer: answer['type'])
def test_the_pages_answers_fit_their_requests(answer: Any) -> None:
    """As they are, to the letter."""
    request = parse_heat_request(answer['type'], answer)
    assert json.dumps(check_response(request, answer['response'])) == json.dumps(
        answer['response']
    )


def test_the_page_answers_all_types() -> None:
    """So that no example is missed."""
    assert len({answer['type'] for answer in page_answers()}) == 10


ONE_TO_TWO = {'min_answers': 1, 'max_answers': 2}
PHOTOS = {'choices_type': 'image', 'choices': [URL, URL + '?2']}
TENTHS = {'rating_min': 0, 'rating_max': 0.3, 'rating_step': 0.1}
THREES = {'rating_min': 1, 'rating_max': 11, 'rating_step': 3}
HALVES = {'rating_min': -1, 'rating_max': 1, 'rating_step': 0.5}

# type, fields of the request, the form's answer, the answer as it goes out
GOOD: list[tuple[str, dict[str, Any], Any, Any]] = [
    ('multiple-choice', {}, ['b'], ['b']),
    ('multiple-choice', {}, ['c', 'a'], ['a', 'c']),
    ('multiple-choice', {}, ['c', 'b', 'a'], ['a', 'b', 'c']),
    ('multiple-choice', {'min_answers': 0}, [], []),
    ('multiple-choice', ONE_TO_TWO, ['b', 'a'], ['a', 'b']),
    ('multiple-choice', {'min_answers': 3, 'max_answers': 3}, ['c', 'b', 'a'], ['a', 'b', 'c']),
    ('multiple-choice', PHOTOS, [URL], [URL]),
    ('free-text', {}, ' kept as typed\n', ' kept as typed\n'),
    *(
        ('free-text', {'validation': 'number'}, text, text.strip())
        for text in ('7', '-7', '+7', '0.5', '.5', '5.', '1e3', '1E-3', ' 42 ', '007')
    ),
    ('free-text', {'validation': 'url'}, ' https://h.example/a?b#c ', 'https://h.example/a?b#c'),
    ('rating', {}, 0, 0),
    ('rating', {}, 100.0, 100),
    ('rating', TENTHS, 0.1, 0.1),
    ('rating', TENTHS, 0.1 + 0.2, 0.3),
    ('rating', TENTHS, 0.3, 0.3),
    ('rating', TENTHS, 1e-12, 0),
    ('rating', TENTHS, -1e-12, 0),
    ('rating', THREES, 1, 1),
    ('rating', THREES, 10, 10),
    ('rating', HALVES, -0.5, -0.5),
    ('rating', HALVES, -0.0, 0),
    ('rating', {'rating_max': 1, 'rating_step': 5}, 0, 0),
    ('image', {}, 'https://h.example/a.jpg', 'https://h.example/a.jpg'),
    ('video', {}, 'https://h.example/a.mp4', 'https://h.example/a.mp4'),
    ('audio', {}, 'https://h.example/a.mp3', 'https://h.example/a.mp3'),
]  # fmt: skip

BAD: list[tuple[str, dict[str, Any], Any, str]] = [
    ('multiple-choice', {}, 'a', 'array'),
    ('multiple-choice', {}, None, 'array'),
    ('multiple-choice', {}, [], '0 choices; 1 or more'),
    ('multiple-choice', {}, ['d'], "'d'"),
    ('multiple-choice', {}, ['A'], "'A'"),
    ('multiple-choice', {}, [0], 'string'),
    ('multiple-choice', {}, [['a']], 'string'),
    ('multiple-choice', {}, ['a', 'a'], 'twice'),
    ('multiple-choice', ONE_TO_TWO, ['a', 'b', 'c'], '3 choices; 1 to 2'),
    ('multiple-choice', {'min_answers': 2}, ['a'], '1 choices; 2 or more'),
    ('free-text', {}, '', 'empty'),
    ('free-text', {}, ' \n\t', 'empty'),
    ('free-text', {}, 7, 'string'),
    ('free-text', {}, None, 'string'),
    ('free-text', {}, 'x' * 20_001, '20001'),
    ('free-text', {}, 'a\x00', 'not text'),
    *(
        ('free-text', {'validation': 'number'}, text, 'must be a number')
        for text in ('seven', '7 apples', '1,5', '0x10', 'nan', 'inf', '.', '--1', '٣', '1_0')
    ),
    ('free-text', {'validation': 'number'}, 7, 'string'),
    *(
        ('free-text', {'validation': 'url'}, text, 'response')
        for text in ('h.example', 'ftp://h.example/', 'http://', 'http://a b', 'javascript:x')
    ),
    ('rating', {}, '7', 'number'),
    ('rating', {}, True, 'number'),
    ('rating', {}, None, 'number'),
    ('rating', {}, [7], 'number'),
    ('rating', {}, NAN, 'finite'),
    ('rating', {}, -INF, 'finite'),
    ('rating', {}, -1, 'from 0 to 100 in steps of 1'),
    ('rating', {}, 101, 'from 0 to 100'),
    ('rating', {}, 0.5, 'in steps of 1'),
    ('rating', {}, 1.7e308, 'from 0 to 100'),
    ('rating', TENTHS, 0.15, 'in steps of 0.1'),
    ('rating', TENTHS, 0.4, 'from 0 to 0.3'),
    ('rating', THREES, 0, 'from 1 to 11'),
    ('rating', THREES, 3, 'in steps of 3'),
    ('rating', THREES, 11, 'in steps of 3'),  # the grid starts at the minimum, and 10 is its end
    ('rating', HALVES, 0.25, 'in steps of 0.5'),
    ('image', {}, 'a.jpg', 'http'),
    ('image', {}, None, 'string'),
    ('video', {}, 'file:///a.mp4', 'http'),
    ('audio', {}, ['https://h.example/a.mp3'], 'string'),
]  # fmt: skip


def same(found: Any, wanted: Any) -> bool:
    """Equal, and of the same JSON: 1 is not 1.0."""
    return json.dumps(found) == json.dumps(wanted)


@pytest.mark.parametrize(('type', 'fields', 'value', 'wanted'), GOOD)
def test_a_good_answer(type: str, fields: dict[str, Any], value: Any, wanted: Any) -> None:
    """In the page's shape; choices in the order in which they were given."""
    assert same(check_response(asked(type, **fields), value), wanted)


@pytest.mark.parametrize(('type', 'fields', 'value', 'words'), BAD)
def test_a_bad_answer(type: str, fields: dict[str, Any], value: Any, words: str) -> None:
    """Refused with what was wrong."""
    with pytest.raises(WireError, match=words):
        check_response(asked(type, **fields), value)


KINDS = {
    'multiple-choice': {'choices': ['a', 'b', 'c']}, 'free-text': {}, 'rating': {},
}  # fmt: skip


def asked_per_annotation(kind: str, **fields: Any) -> HeatRequest:
    """A request that asks this about each annotation."""
    question = {'instruction': 'And this?', **KINDS[kind], **fields}
    return asked(f'annotations-with-{kind}', per_annotation=question)


@pytest.mark.parametrize(
    ('type', 'fields', 'value', 'wanted'), [row for row in GOOD if row[0] in KINDS]
)
def test_a_good_answer_per_annotation(
    type: str, fields: dict[str, Any], value: Any, wanted: Any
) -> None:
    """The same rules as where the question stands alone."""
    response = [{'x': 1, 'y': 2, 'response': value}]
    found = check_response(asked_per_annotation(type, **fields), response)
    assert same(found, [{'x': 1, 'y': 2, 'response': wanted}])


@pytest.mark.parametrize(
    ('type', 'fields', 'value', 'words'), [row for row in BAD if row[0] in KINDS]
)
def test_a_bad_answer_per_annotation(
    type: str, fields: dict[str, Any], value: Any, words: str
) -> None:
    """Refused, with which annotation it was."""
    good = {'multiple-choice': ['a', 'b'], 'free-text': '1', 'rating': 1}[type]
    if fields == {'validation': 'url'}:
        good = URL
    elif fields.get('rating_step') == 0.1:
        good = 0.1
    response = [{'x': 1, 'y': 2, 'response': item} for item in (good, value)]
    with pytest.raises(WireError, match=words) as caught:
        check_response(asked_per_annotation(type, **fields), response)
    assert str(caught.value).startswith('response[1].response')


def test_nothing_per_annotation_is_asked_without_it() -> None:
    """What nobody asked for does not go out."""
    response = [{'x': 1, 'y': 2, 'response': 'x', 't': 3, 'attachment_index': 0, 'x2': 5}]
    assert check_response(asked('annotations'), response) == [{'x': 1, 'y': 2}]


RECTANGLE = {'annotations_type': 'rectangle'}

# fields of the request, one annotation, whether it is one; None: the same comes out
PLACES: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, {'x': 0, 'y': 0}, None),
    ({}, {'x': 640, 'y': 480}, None),
    ({}, {'x': 12.5, 'y': 0.25}, None),
    ({}, {'x': 641, 'y': 0}, r'\.x is 641; the image has 640'),
    ({}, {'x': 640.01, 'y': 0}, r'\.x'),
    ({}, {'x': 0, 'y': 481}, r'\.y is 481; the image has 480'),
    ({}, {'x': -1, 'y': 0}, r'\.x is -1'),
    ({}, {'x': 0, 'y': -0.5}, r'\.y is -0\.5'),
    ({}, {'x': 0}, r'\.y must be a number'),
    ({}, {}, r'\.x must be a number'),
    ({}, {'x': '1', 'y': 0}, r'\.x must be a number'),
    ({}, {'x': NAN, 'y': 0}, r'\.x'),
    ({}, {'x': 0, 'y': INF}, r'\.y'),
    ({}, {'x': True, 'y': 0}, r'\.x'),
    (RECTANGLE, {'x': 0, 'y': 0, 'x2': 640, 'y2': 480}, None),
    (RECTANGLE, {'x': 1, 'y': 2, 'x2': 1, 'y2': 2}, None),
    (RECTANGLE, {'x': 0.5, 'y': 0.5, 'x2': 1.5, 'y2': 1.5}, None),
    (RECTANGLE, {'x': 2, 'y': 0, 'x2': 1, 'y2': 9}, 'x2 before x'),
    (RECTANGLE, {'x': 0, 'y': 2, 'x2': 9, 'y2': 1}, 'y2 before y'),
    (RECTANGLE, {'x': 0, 'y': 0, 'x2': 641, 'y2': 1}, r'\.x2 is 641'),
    (RECTANGLE, {'x': 0, 'y': 0, 'x2': 1, 'y2': 480.5}, r'\.y2 is 480\.5'),
    (RECTANGLE, {'x': 0, 'y': 0}, r'\.x2 must be a number'),
]  # fmt: skip


@pytest.mark.parametrize(('fields', 'item', 'words'), PLACES)
def test_places(fields: dict[str, Any], item: dict[str, Any], words: str | None) -> None:
    """Pixels of the upright image, up to and with its far edges."""
    request = asked('annotations', **fields)
    if words is None:
        assert same(check_response(request, [item], [SIZE]), [item])
    else:
        with pytest.raises(WireError, match=words):
            check_response(request, [{'x': 1, 'y': 1, 'x2': 2, 'y2': 2}, item], [SIZE])


@pytest.mark.parametrize('sizes', [(), (None,)])
def test_an_image_of_unknown_size(sizes: tuple[Any, ...]) -> None:
    """What cannot be checked is taken; a negative place, or one in no image, is still none."""
    request = asked('annotations')
    assert check_response(request, [{'x': 2e9, 'y': 1.0}], sizes) == [{'x': 2_000_000_000, 'y': 1}]
    for wrong in ({'x': -1, 'y': 0}, {'x': 2**31, 'y': 0}, {'x': 0, 'y': 1e308}):
        with pytest.raises(WireError):
            check_response(request, [wrong], sizes)


@pytest.mark.parametrize(
    ('limits', 'good', 'bad'),
    [
        ({}, [1, 2, 100], [0]),
        ({'min_annotations': 0}, [0, 1], []),
        ({'min_annotations': 2, 'max_annotations': 3}, [2, 3], [0, 1, 4]),
        ({'max_annotations': 1}, [1], [0, 2]),
        ({'max_annotations': 0}, [MAX_ANNOTATIONS], [0, MAX_ANNOTATIONS + 1]),
    ],
)
def test_how_many(limits: dict[str, int], good: list[int], bad: list[int]) -> None:
    """At least one unless it says otherwise: with nothing there it is flagged, not answered."""
    request = asked('annotations', **limits)
    for count in good:
        assert len(check_response(request, [{'x': 1, 'y': 1}] * count)) == count
    for count in bad:
        with pytest.raises(WireError, match=f'has {count} annotations'):
            check_response(request, [{'x': 1, 'y': 1}] * count)


@pytest.mark.parametrize('value', [None, {}, 'x', 7, [7], [None], [[1, 2]]])
def test_what_is_no_list_of_annotations(value: Any) -> None:
    """Refused."""
    with pytest.raises(WireError, match='response'):
        check_response(asked('annotations'), value)


def test_which_attachment() -> None:
    """It is said where there are several, from 0, and each has its own size."""
    several = asked('annotations', attachments=[URL, URL + '?2'])
    sizes = [ImageSize(10, 10), SIZE]
    for index, x in ((0, 10), (1, 640)):
        item = {'x': x, 'y': 5, 'attachment_index': index}
        assert same(check_response(several, [item | {'attachment_index': float(index)}]), [item])
        assert same(check_response(several, [item], sizes), [item])
        with pytest.raises(WireError, match=f'the image has {sizes[index].width}'):
            check_response(several, [item | {'x': x + 1}], sizes)
    assert check_response(several, [{'x': 999, 'y': 5, 'attachment_index': 1}], sizes[:1])
    for odd in (None, -1, 2, 0.5, '0', True, NAN):
        with pytest.raises(WireError, match='attachment_index'):
            check_response(several, [{'x': 1, 'y': 1, 'attachment_index': odd}])
    with pytest.raises(WireError, match='attachment_index'):
        check_response(several, [{'x': 1, 'y': 1}])


def media(kind: str, **fields: Any) -> HeatRequest:
    """A request to annotate something other than an image."""
    attachment = 'Größe: 10 €' if kind == 'text' else f'http://h.example/a.{kind}'
    return asked('annotations', attachments_type=kind, attachments=[attachment], **fields)


@pytest.mark.parametrize(
    ('kind', 'fields', 'item', 'wanted'),
    [
        ('image', {}, {'x': 1, 'y': 2, 't': 3}, {'x': 1, 'y': 2}),
        ('website', {}, {'x': 1, 'y': 2, 't': 3}, {'x': 1, 'y': 2}),
        ('video', {}, {'x': 1, 'y': 2, 't': 3.0}, {'x': 1, 'y': 2, 't': 3}),
        (
            'video', RECTANGLE, {'t': 0, 'x': 1, 'y': 2, 'x2': 3, 'y2': 4},
            {'x': 1, 'y': 2, 'x2': 3, 'y2': 4, 't': 0},
        ),
        ('audio', {}, {'t': 1.25, 'x': 1, 'y': 2}, {'t': 1.25}),
        ('audio', RECTANGLE, {'t': 0}, {'t': 0}),
        ('text', {}, {'start': 0, 'end': 5, 't': 3, 'x': 1}, {'start': 0, 'end': 5}),
        ('text', {}, {'start': 10.0, 'end': 11}, {'start': 10, 'end': 11}),
        ('text', RECTANGLE, {'start': 1, 'end': 2}, {'start': 1, 'end': 2}),
    ],
)  # fmt: skip
def test_where_in_what(kind: str, fields: Any, item: Any, wanted: Any) -> None:
    """A place, a time or a span, and only what belongs to the attachment."""
    assert same(check_response(media(kind, **fields), [item]), [wanted])


@pytest.mark.parametrize(
    ('kind', 'item', 'words'),
    [
        ('video', {'x': 1, 'y': 2}, r'\.t must be a number'),
        ('video', {'x': 1, 'y': 2, 't': -0.1}, r'\.t is -0\.1'),
        ('video', {'t': 1}, r'\.x'),
        ('audio', {}, r'\.t'),
        ('audio', {'t': '1'}, r'\.t'),
        ('audio', {'t': INF}, r'\.t'),
        ('website', {'t': 1}, r'\.x'),
        ('text', {'x': 1, 'y': 2}, r'\.start'),
        ('text', {'start': 0}, r'\.end'),
        ('text', {'start': 3, 'end': 3}, 'not a span within the 11 characters'),
        ('text', {'start': 4, 'end': 3}, 'not a span'),
        ('text', {'start': 0, 'end': 12}, 'not a span'),
        ('text', {'start': -1, 'end': 3}, r'\.start is -1'),
        ('text', {'start': 0.5, 'end': 3}, 'not a span'),
    ],
)
def test_where_in_what_it_is_not(kind: str, item: Any, words: str) -> None:
    """Refused with the field."""
    with pytest.raises(WireError, match=words):
        check_response(media(kind), [item])


def test_the_kinds_are_all_there() -> None:
    """So that none is left out above."""
    assert set(KINDS) == set(PER_ANNOTATION.values())
