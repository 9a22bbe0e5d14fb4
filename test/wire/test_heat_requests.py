# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Each rule of Heat's page about a request, at its edges, right and wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spark_ros.wire.heat import (
    MAX_ANNOTATIONS,
    MAX_ATTACHMENTS,
    PER_ANNOTATION,
    STATUSES,
    TYPES,
    Choices,
    HeatObject,
    HeatRequest,
    Prompt,
    Scale,
    parse_heat_object,
    parse_heat_request,
)
from spark_ros.wire.values import WireError

PAGE = (Path(__file__).parent / 'data' / 'heat_page.txt').read_text()
URL = 'http://images.example/a.jpg'
EMBED = 'https://www.youtube.com/embed/R0V_D4zaEpU'


def examples(head: str) -> list[tuple[str, Any]]:
    """The page's JSON under each line that begins so, with the rest of that line."""
    found = re.finditer(rf'^{head}(.*)\n\n', PAGE, re.MULTILINE)
    return [(m[1], json.JSONDecoder().raw_decode(PAGE, m.end())[0]) for m in found]


def body(type: str, **fields: Any) -> dict[str, Any]:
    """The shortest valid body of a type, with these fields over it; `...` takes one out."""
    least: dict[str, Any] = {'instruction': 'Look.'}
    if type == 'multiple-choice':
        least['choices'] = ['a', 'b', 'c']
    if type.startswith('annotations'):
        least |= {'attachments_type': 'image', 'attachments': [URL]}
    if type in PER_ANNOTATION:
        least['per_annotation'] = body(PER_ANNOTATION[type])
    return {name: value for name, value in (least | fields).items() if value is not ...}


@pytest.mark.parametrize(('type', 'example'), examples('POST /v1/requests/'))
def test_the_pages_examples(type: str, example: Any) -> None:
    """Each is read, says what it said, and is written so that it is read the same."""
    request = parse_heat_request(type, example)
    assert request.type == type and request.raw == example
    written = request.to_json()
    assert {name: written[name] for name in example if name != 'per_annotation'} == {
        name: value for name, value in example.items() if name != 'per_annotation'
    }
    inner = example.get('per_annotation', {})
    assert {name: written.get('per_annotation', {})[name] for name in inner} == inner
    assert replace(parse_heat_request(type, written), raw=example) == request


def test_the_page_has_all_types() -> None:
    """Ten of them, so that no example is missed."""
    assert {type for type, _ in examples('POST /v1/requests/')} == set(TYPES)
    assert len(TYPES) == 10


@pytest.mark.parametrize(('_', 'answer'), examples('ANSWER'))
def test_the_pages_answers(_: str, answer: Any) -> None:
    """Each is read, and nothing of it is lost."""
    found = parse_heat_object(answer)
    assert found.response == answer.get('response')
    assert found.pending == ('response' not in answer)
    known = ('id', 'status', 'type', 'response')
    assert found.extra == {name: answer[name] for name in answer if name not in known}


@pytest.mark.parametrize('type', TYPES)
def test_defaults(type: str) -> None:
    """What the page says is the default."""
    request = parse_heat_request(type, body(type))
    assert request.min_annotations == 1 and request.max_annotations == 0
    assert request.annotations_type == 'point'
    assert request.hook_url is None and request.exclude_crunchers == ()
    asked = request.per_annotation or request.prompt
    if asked.kind == 'multiple-choice':
        assert asked.choices == Choices(('a', 'b', 'c'), 'text', least=1, most=0)
    if asked.kind == 'rating':
        assert asked.scale == Scale(0, 100, 1, '', '')
    assert asked.validation == ''
    assert request.kinds == (
        ('annotations', PER_ANNOTATION[type]) if type in PER_ANNOTATION else (type,)
    )


ANY = TYPES
CHOICE = ('multiple-choice', 'annotations-with-multiple-choice')
TEXT = ('free-text', 'annotations-with-free-text')
RATING = ('rating', 'annotations-with-rating')
MARKS = ('annotations', *PER_ANNOTATION)
OTHERS = tuple(type for type in TYPES if type not in MARKS)

# For the types named, the fields on the right are good.
GOOD: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (ANY, {'instruction': 'x' * 20_000}),
    (ANY, {'attachments_type': 'image', 'attachments': [URL] * MAX_ATTACHMENTS}),
    (ANY, {'attachments_type': 'video', 'attachments': [EMBED, f'{EMBED}/', f'{EMBED}?start=9']}),
    (ANY, {'attachments_type': 'video', 'attachments': ['https://notyoutube.com/watch?v=1']}),
    (ANY, {'attachments_type': 'video', 'attachments': ['https://h/youtube.com/watch.mp4']}),
    (ANY, {'attachments_type': 'website', 'attachments': ['https://www.youtube.com/watch?v=1']}),
    (ANY, {'attachments_type': 'audio', 'attachments': ['https://h.example/a.mp3']}),
    (ANY, {'attachments_type': 'text', 'attachments': ['dial:+1212123456@ww1234', ' kept ']}),
    (ANY, {'attachments_type': ..., 'attachments': ['no URL: text is the default']}),
    (ANY, {'attachments_type': None, 'attachments': ['text']}),
    (OTHERS, {'attachments': None}),
    (OTHERS, {'attachments': []}),
    (OTHERS, {'attachments_type': 'image'}),
    (OTHERS, {'min_annotations': -1, 'annotations_type': 'circle', 'per_annotation': 7}),
    (ANY, {'hook_url': 'http://hook.example:8080/a?b=c'}),
    (ANY, {'hook_url': None}),
    (ANY, {'hook_url': ''}),
    (ANY, {'exclude_crunchers': ['c-1', 'c-2']}),
    (ANY, {'exclude_crunchers': None}),
    (ANY, {'block': -5, 'new': {'field': 1}}),  # block is a query parameter, not a field
    (CHOICE, {'choices': ['only']}),
    (CHOICE, {'choices': ['a', 'A', ' a']}),
    (CHOICE, {'choices': ['no'] + [str(i) for i in range(999)]}),
    (CHOICE, {'choices_type': 'image', 'choices': [URL, URL + '?2']}),
    (CHOICE, {'choices_type': 'video', 'choices': [EMBED]}),
    (CHOICE, {'min_answers': 0}),
    (CHOICE, {'min_answers': 3}),
    (CHOICE, {'min_answers': 3, 'max_answers': 3}),
    (CHOICE, {'min_answers': 2.0, 'max_answers': 0}),
    (CHOICE, {'max_answers': 99}),
    (TEXT, {'validation': 'number'}),
    (TEXT, {'validation': 'url'}),
    (TEXT, {'validation': None}),
    (RATING, {'rating_min': -5, 'rating_max': -4.5, 'rating_step': 0.1}),
    (RATING, {'rating_min': 0, 'rating_max': 10, 'rating_step': 3}),
    (RATING, {'rating_max': 1, 'rating_step': 5}),
    (RATING, {'rating_max': 1e6}),
    (RATING, {'rating_min': None, 'rating_max': None, 'rating_step': None, 'label_min': None}),
    (RATING, {'label_min': 'no', 'label_max': 'x' * 500}),
    (MARKS, {'annotations_type': 'rectangle'}),
    (MARKS, {'min_annotations': 0}),
    (MARKS, {'min_annotations': 3, 'max_annotations': 3}),
    (MARKS, {'min_annotations': MAX_ANNOTATIONS}),
    (MARKS, {'max_annotations': 0}),
]  # fmt: skip

# For the types named, the fields on the right are refused, and the message holds the words.
BAD: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    (ANY, {'instruction': ...}, 'instruction'),
    (ANY, {'instruction': ' \n'}, 'instruction is empty'),
    (ANY, {'instruction': 7}, 'instruction'),
    (ANY, {'instruction': 'x' * 20_001}, 'instruction'),
    (ANY, {'instruction': '\ud800'}, 'instruction'),
    (ANY, {'attachments_type': 'pdf'}, 'attachments_type'),
    (ANY, {'attachments_type': ['image']}, 'attachments_type'),
    (ANY, {'attachments': 'http://h/a.jpg'}, 'attachments'),
    (ANY, {'attachments': 0}, 'attachments'),
    (ANY, {'attachments': False}, 'attachments'),
    (ANY, {'attachments': {}}, 'attachments'),
    (ANY, {'attachments': [URL] * (MAX_ATTACHMENTS + 1)}, '51 entries'),
    (ANY, {'attachments': [URL, 7]}, r'attachments\[1\]'),
    (ANY, {'attachments_type': 'image', 'attachments': [URL, 'a.jpg']}, r'attachments\[1\]'),
    (ANY, {'attachments_type': 'image', 'attachments': ['file:///etc/passwd']}, 'http'),
    (ANY, {'attachments_type': 'image', 'attachments': ['data:image/png;base64,AAAA']}, 'http'),
    (ANY, {'attachments_type': 'website', 'attachments': ['javascript:alert(1)']}, 'http'),
    (ANY, {'attachments_type': 'audio', 'attachments': ['http://h:99999/a.mp3']}, 'well-formed'),
    *(
        (ANY, {'attachments_type': 'video', 'attachments': [url]}, 'embed/ID')
        for url in (
            'https://www.youtube.com/watch?v=R0V_D4zaEpU', 'https://youtu.be/R0V_D4zaEpU',
            'https://youtu.be/embed/R0V_D4zaEpU', 'http://YouTube.com./watch?v=1',
            'HTTPS://M.YOUTUBE.COM:443/watch?v=1', 'https://www.youtube.com?v=1',
            'https://www.youtube.com#v', 'https://www.youtube.com/embed/',
            'https://a@youtube.com/shorts/1', 'https://www.youtube.com/x/embed/1',
        )
    ),
    (ANY, {'hook_url': 'hook.example'}, 'hook_url'),
    (ANY, {'hook_url': 'ftp://hook.example/'}, 'hook_url'),
    (ANY, {'hook_url': 0}, 'hook_url'),
    (ANY, {'hook_url': [URL]}, 'hook_url'),
    (ANY, {'exclude_crunchers': 'c-1'}, 'exclude_crunchers'),
    (ANY, {'exclude_crunchers': 0}, 'exclude_crunchers'),
    (ANY, {'exclude_crunchers': [1]}, 'exclude_crunchers'),
    (ANY, {'exclude_crunchers': ['x' * 201]}, 'exclude_crunchers'),
    (CHOICE, {'choices': ...}, 'choices is missing'),
    (CHOICE, {'choices': []}, 'choices is missing'),
    (CHOICE, {'choices': 'abc'}, 'choices'),
    (CHOICE, {'choices': ['a', 'b', 'a']}, 'twice'),
    (CHOICE, {'choices': ['a', None]}, r'choices\[1\]'),
    (CHOICE, {'choices': [str(i) for i in range(1001)]}, '1001'),
    (CHOICE, {'choices_type': 'image'}, r'choices\[0\]'),
    (CHOICE, {'choices_type': 'image', 'choices': [URL, f' {URL} ']}, 'twice'),
    (CHOICE, {'choices_type': 'sound'}, 'choices_type'),
    (CHOICE, {'min_answers': 4}, 'min_answers is 4, but there are 3'),
    (CHOICE, {'min_answers': 3, 'max_answers': 2}, 'more than max_answers'),
    (CHOICE, {'min_answers': -1}, 'min_answers'),
    (CHOICE, {'min_answers': 1.5}, 'min_answers'),
    (CHOICE, {'min_answers': '1'}, 'min_answers'),
    (CHOICE, {'min_answers': True}, 'min_answers'),
    (CHOICE, {'max_answers': -1}, 'max_answers'),
    (CHOICE, {'max_answers': float('nan')}, 'max_answers'),
    (TEXT, {'validation': 'email'}, 'validation'),
    (TEXT, {'validation': 1}, 'validation'),
    (RATING, {'rating_min': 100}, 'rating_max'),
    (RATING, {'rating_min': 101}, 'rating_max'),
    (RATING, {'rating_max': 0}, 'rating_max'),
    (RATING, {'rating_step': 0}, 'rating_step'),
    (RATING, {'rating_step': -1}, 'rating_step'),
    (RATING, {'rating_step': 1e-320}, 'rating_step'),
    (RATING, {'rating_step': 0.00001}, '1000000 steps'),
    (RATING, {'rating_max': '10'}, 'rating_max'),
    (RATING, {'rating_max': float('inf')}, 'rating_max'),
    (RATING, {'rating_max': 10**400}, 'rating_max'),
    (RATING, {'rating_min': -1.7e308, 'rating_max': 1.7e308}, 'steps'),
    (RATING, {'label_min': 0}, 'label_min'),
    (RATING, {'label_max': 'x' * 501}, 'label_max'),
    (MARKS, {'attachments': ...}, 'attachments is missing'),
    (MARKS, {'attachments': []}, 'attachments is missing'),
    (MARKS, {'annotations_type': 'polygon'}, 'annotations_type'),
    (MARKS, {'min_annotations': 3, 'max_annotations': 2}, 'more than max_annotations'),
    (MARKS, {'min_annotations': -1}, 'min_annotations'),
    (MARKS, {'min_annotations': MAX_ANNOTATIONS + 1}, 'min_annotations'),
    (MARKS, {'max_annotations': 0.5}, 'max_annotations'),
    (tuple(PER_ANNOTATION), {'per_annotation': ...}, 'per_annotation'),
    (tuple(PER_ANNOTATION), {'per_annotation': []}, 'per_annotation'),
    (tuple(PER_ANNOTATION), {'per_annotation': {}}, 'per_annotation.instruction'),
]  # fmt: skip

INNER = ('choices', 'choices_type', 'min_answers', 'max_answers', 'validation', 'rating_min',
         'rating_max', 'rating_step', 'label_min', 'label_max')  # fmt: skip


def placed(type: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A body with these fields where they belong: what a question has may be per annotation."""
    if type not in PER_ANNOTATION or not any(name in INNER for name in fields):
        return body(type, **fields)
    return body(type, per_annotation=body(PER_ANNOTATION[type], **fields))


@pytest.mark.parametrize(('types', 'fields'), GOOD)
def test_a_good_field(types: tuple[str, ...], fields: dict[str, Any]) -> None:
    """Taken, and written so that it is read the same."""
    for type in types:
        request = parse_heat_request(type, placed(type, fields))
        again = parse_heat_request(type, request.to_json())
        assert replace(again, raw=request.raw) == request


@pytest.mark.parametrize(('types', 'fields', 'words'), BAD)
def test_a_bad_field(types: tuple[str, ...], fields: dict[str, Any], words: str) -> None:
    """Refused, with the field's name; inside per_annotation with that too."""
    for type in types:
        with pytest.raises(WireError, match=words) as caught:
            parse_heat_request(type, placed(type, fields))
        if type in PER_ANNOTATION and any(name in INNER for name in fields):
            assert str(caught.value).startswith('per_annotation.')


@pytest.mark.parametrize('value', [None, [], 'text', 7, True])
def test_a_body_that_is_no_object(value: Any) -> None:
    """Named as what it is."""
    with pytest.raises(WireError, match='body must be an object'):
        parse_heat_request('free-text', value)


@pytest.mark.parametrize('type', ['', 'Rating', 'free_text', 'annotations-with-image'])
def test_a_type_that_is_none(type: str) -> None:
    """Refused by name."""
    with pytest.raises(WireError, match='request type'):
        parse_heat_request(type, body('free-text'))


def test_what_is_written() -> None:
    """Everything that is said, under the page's names."""
    request = HeatRequest(
        'annotations-with-rating',
        Prompt('annotations', 'Mark the cats'),
        'image',
        (URL,),
        'rectangle',
        min_annotations=0,
        max_annotations=4,
        per_annotation=Prompt('rating', 'How big?', scale=Scale(0, 1, 0.1, 'tiny', 'huge')),
        hook_url='http://hook.example/',
        exclude_crunchers=('c-1',),
        raw={'ignored': True},
    )
    assert request.to_json() == {
        'instruction': 'Mark the cats',
        'attachments_type': 'image',
        'attachments': [URL],
        'annotations_type': 'rectangle',
        'min_annotations': 0,
        'max_annotations': 4,
        'per_annotation': {
            'instruction': 'How big?', 'rating_min': 0, 'rating_max': 1, 'rating_step': 0.1,
            'label_min': 'tiny', 'label_max': 'huge',
        },
        'hook_url': 'http://hook.example/',
        'exclude_crunchers': ['c-1'],
    }  # fmt: skip


@pytest.mark.parametrize('status', STATUSES)
def test_a_request_object(status: str) -> None:
    """All four statuses; what is not known is kept, also a known field of an odd kind."""
    found = parse_heat_object(
        {
            'id': 'r-1', 'status': status, 'type': 'rating', 'response': 3, 'new': [1],
            'cruncher_feedback': 'too dark', 'crunchers': ['c-1', 2], 'instruction': 7,
        }
    )  # fmt: skip
    extra = {'new': [1], 'instruction': 7}
    assert found == HeatObject('r-1', status, 'rating', 3, 'too dark', ('c-1', '2'), extra)
    assert found.pending == (status == 'pending')
    odd = {'type': 7, 'cruncher_feedback': ['x'], 'crunchers': 'c-1'}
    assert parse_heat_object({'id': 'r', 'status': status, **odd}).extra == odd
    nulls = dict.fromkeys((*odd, 'response'))
    assert parse_heat_object({'id': 'r', 'status': status, **nulls}) == HeatObject('r', status)


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        (None, 'object'), ([], 'object'), ({}, 'no id'), ({'id': 7, 'status': 'pending'}, 'no id'),
        ({'id': '', 'status': 'pending'}, 'no id'), ({'id': 'r'}, 'status'),
        ({'id': 'r', 'status': 'done'}, "'done'"), ({'id': 'r', 'status': ['pending']}, 'status'),
    ],
)  # fmt: skip
def test_a_request_object_that_is_none(value: Any, words: str) -> None:
    """Refused with what it lacks."""
    with pytest.raises(WireError, match=words):
        parse_heat_object(value)
