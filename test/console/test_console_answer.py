# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""From the question that appears to the answer that the robot reads."""

import json

import pytest
from console_mouse import (
    assert_box,
    click,
    drag,
    on_screen,
    open_question,
    send_nothing,
    wait_until_open,
)
from console_service import box, prior
from playwright.sync_api import expect

# Numbers that a float32, a decimal rounding or a trip through pixels would change.
AWKWARD = box(0.1 + 0.2, 1 / 3, 0.7000000000000001, 0.9999999999999999)
NO_FOCUS_BY_CLICK = """addEventListener('mousedown', (event) => {
  if (event.defaultPrevented || !event.target.closest('button')) return;
  document.activeElement.blur();
  event.preventDefault();
})"""


def test_a_question_appears_and_its_correction_reaches_the_robot(service, operator):
    expect(operator.get_by_test_id('connection')).to_have_attribute('data-state', 'live')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    priors = [
        prior('person', box(0.10, 0.10, 0.30, 0.40), metadata={'score': 0.4}),
        prior('person', box(0.40, 0.10, 0.60, 0.40)),
        prior('vehicle', box(0.70, 0.10, 0.90, 0.40)),
        prior('vehicle', AWKWARD),
    ]
    token = service.ask(
        instructions='Correct the boxes.',
        priors={'label_options': ['person', 'vehicle', 'animal'], 'annotations': priors},
    )
    # No reload: the service pushes it.
    open_question(operator)
    assert service.engagement(token)['state'] == 'assigned'
    expect(operator.get_by_test_id('instructions')).to_have_text('Correct the boxes.')
    expect(operator.get_by_test_id('shape')).to_have_count(4)

    click(operator, 0.2, 0.2)
    drag(operator, (0.30, 0.40), (0.35, 0.50))
    click(operator, 0.5, 0.2)
    operator.keyboard.press('3')
    click(operator, 0.8, 0.2)
    operator.keyboard.press('Delete')
    operator.keyboard.press('Escape')
    drag(operator, (0.05, 0.60), (0.20, 0.80))
    operator.keyboard.press('2')
    operator.get_by_test_id('response').fill('One person, one animal.')
    expect(operator.get_by_test_id('summary')).to_have_text(
        '1 unchanged · 2 changed · 1 added · 1 removed · a text')
    with operator.expect_request('**/answer') as sent:
        operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()

    given = service.engagement(token)
    assert given['state'] == 'closed'
    assert given['response'] == 'One person, one animal.'
    resized, relabelled, added = given['annotations']
    assert resized['original_annotation'] == priors[0]
    assert resized['label'] == 'person'
    assert_box(resized, 0.10, 0.10, 0.35, 0.50)
    assert relabelled['original_annotation'] == priors[1]
    assert relabelled['label'] == 'animal'
    assert relabelled['vertices'] == priors[1]['vertices']
    assert 'original_annotation' not in added
    assert added['label'] == 'vehicle'
    assert_box(added, 0.05, 0.60, 0.20, 0.80)
    assert given['removed_annotations'] == [priors[2]]
    assert given['confirmed_annotations'] == [priors[3]]
    # Not only for the service's reading of it: the console itself sent the very same numbers.
    shapes = json.loads(sent.value.post_data)['shapes']
    assert shapes[2]['vertices'] == AWKWARD


def test_untouched_priors_come_back_exactly(service, operator):
    priors = [
        prior('person', AWKWARD, metadata={'score': 0.31, 'id': 'a1', 'doubted': True}),
        {'label': 'lane', 'type': 'polygon', 'vertices': AWKWARD[:3]},
        {'label': 'tip', 'type': 'dot', 'vertices': [{'x': 1 / 7, 'y': 0.1 + 0.2}]},
    ]
    token = service.ask(priors={'annotations': priors})
    open_question(operator)
    # Selected, zoomed, moved and moved back by undo, but in the end left alone.
    click(operator, 0.5, 0.6)
    operator.mouse.wheel(0, -300)
    operator.keyboard.press('ArrowRight')
    operator.keyboard.press('Control+z')
    with operator.expect_request('**/answer') as sent:
        operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    shapes = json.loads(sent.value.post_data)['shapes']
    assert [shape['vertices'] for shape in shapes] == [each['vertices'] for each in priors]
    given = service.engagement(token)
    assert given['confirmed_annotations'] == priors
    assert given['annotations'] == given['removed_annotations'] == []


def test_no_coordinate_leaves_the_image(service, operator):
    priors = [prior('person', box(0.5, 0.5, 0.9, 0.9))]
    token = service.ask(priors={'label_options': ['person'], 'annotations': priors})
    open_question(operator)
    click(operator, 0.7, 0.7)
    drag(operator, (0.7, 0.7), (1.2, 1.2))
    # From beyond one corner of the image to beyond another: a box over all of it.
    operator.keyboard.press('n')
    drag(operator, (-0.02, -0.02), (1.02, 1.02))
    with operator.expect_request('**/answer') as sent:
        operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    moved, added = service.engagement(token)['annotations']
    last = 1 - 2**-53
    # The service would also cut off a 1: the console must not send one.
    assert [each['vertices'] for each in json.loads(sent.value.post_data)['shapes']] == [
        moved['vertices'], added['vertices']]
    assert moved['vertices'][2] == {'x': last, 'y': last}
    assert_box(moved, 0.6, 0.6, 1.0, 1.0)
    assert added['vertices'] == box(0, 0, last, last)


def test_undo_and_redo(service, operator):
    service.ask(priors={'annotations': [prior('person', box(0.2, 0.2, 0.5, 0.5))]})
    open_question(operator)
    summary = operator.get_by_test_id('summary')
    drag(operator, (0.6, 0.6), (0.8, 0.8))
    click(operator, 0.3, 0.3)
    drag(operator, (0.3, 0.3), (0.4, 0.4))
    expect(summary).to_have_text('1 changed · 1 added')
    operator.keyboard.press('Control+z')
    expect(summary).to_have_text('1 unchanged · 1 added')
    operator.keyboard.press('Control+z')
    expect(summary).to_have_text('1 unchanged')
    operator.keyboard.press('Control+Shift+Z')
    operator.keyboard.press('Control+Shift+Z')
    expect(summary).to_have_text('1 changed · 1 added')


@pytest.mark.slow('a rare case, in a browser')
def test_a_drag_that_is_stopped_changes_nothing(service, operator):
    service.ask(priors={'annotations': [prior('person', box(0.2, 0.2, 0.5, 0.5))]})
    open_question(operator)
    click(operator, 0.3, 0.3)
    operator.mouse.move(*on_screen(operator, 0.3, 0.3))
    operator.mouse.down()
    operator.mouse.move(*on_screen(operator, 0.5, 0.5), steps=3)
    expect(operator.get_by_test_id('summary')).to_have_text('1 changed')
    operator.keyboard.press('Escape')
    operator.mouse.up()
    expect(operator.get_by_test_id('summary')).to_have_text('1 unchanged')


@pytest.mark.slow('a rare case, in a browser')
def test_vertices_of_a_polygon_and_a_dot_can_be_dragged(service, operator):
    corners = [{'x': 0.2, 'y': 0.2}, {'x': 0.6, 'y': 0.2}, {'x': 0.4, 'y': 0.6}]
    token = service.ask(priors={'annotations': [
        {'label': 'lane', 'type': 'polygon', 'vertices': corners},
        {'label': 'tip', 'type': 'dot', 'vertices': [{'x': 0.8, 'y': 0.8}]},
    ]})
    open_question(operator)
    click(operator, 0.4, 0.3)
    drag(operator, (0.4, 0.6), (0.5, 0.7))
    drag(operator, (0.8, 0.8), (0.7, 0.9))
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    polygon, dot = service.engagement(token)['annotations']
    assert polygon['vertices'][:2] == corners[:2]
    assert abs(polygon['vertices'][2]['x'] - 0.5) * 640 <= 1.5
    assert abs(polygon['vertices'][2]['y'] - 0.7) * 480 <= 1.5
    assert abs(dot['vertices'][0]['x'] - 0.7) * 640 <= 1.5
    assert abs(dot['vertices'][0]['y'] - 0.9) * 480 <= 1.5


@pytest.mark.slow('a rare case, in a browser')
def test_a_label_can_be_typed_where_none_are_given(service, operator):
    token = service.ask()
    open_question(operator)
    drag(operator, (0.2, 0.2), (0.4, 0.5))
    # With no label to take, the field is asked for at once.
    expect(operator.get_by_test_id('label-text')).to_be_focused()
    operator.keyboard.type('forklift')
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (added,) = service.engagement(token)['annotations']
    assert added['label'] == 'forklift'
    assert_box(added, 0.2, 0.2, 0.4, 0.5)


def test_after_an_answer_the_next_oldest_question_opens(service, operator):
    labels = {'label_options': ['person']}
    tokens = [service.ask(instructions=f'question {n}', priors=labels) for n in range(3)]
    expect(operator.get_by_test_id('question')).to_have_count(3)
    # Said with the first reading of the queue, while the rows may have been told before it.
    expect(operator.get_by_test_id('idle')).to_contain_text('3 questions waiting')
    answered = int(operator.get_by_test_id('answered').text_content())
    open_question(operator)
    for n in range(3):
        expect(operator.get_by_test_id('instructions')).to_have_text(f'question {n}')
        wait_until_open(operator)
        send_nothing(operator)
    expect(operator.get_by_test_id('idle')).to_be_visible()
    expect(operator.get_by_test_id('answered')).to_have_text(str(answered + 3))
    assert [service.engagement(token)['state'] for token in tokens] == ['closed'] * 3


@pytest.mark.parametrize('content', ['photo.jpg', 'video.webm'])
def test_what_asks_for_words_is_not_closed_without_one(service, operator, files, content):
    token = service.ask(
        instructions='Answer in words: what is on the shelf?',
        content_location=[f'{files}/{content}'],
        content_type='video' if content.startswith('video') else 'image',
    )
    operator.get_by_test_id('question').click()
    wait_until_open(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_contain_text('in words')
    expect(operator.get_by_test_id('response')).to_be_focused()
    assert service.engagement(token)['state'] == 'assigned'
    operator.keyboard.type('Three boxes.')
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    given = service.engagement(token)
    assert (given['state'], given['response']) == ('closed', 'Three boxes.')


def test_that_there_is_nothing_is_said_twice(service, operator):
    token = service.ask(priors={'label_options': ['person']})
    open_question(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_contain_text('Submit again')
    drag(operator, (0.2, 0.2), (0.4, 0.4))
    operator.keyboard.press('Delete')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_contain_text('Submit again')
    assert service.engagement(token)['state'] == 'assigned'
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert service.engagement(token)['annotations'] == []


def test_any_of_many_labels_is_given_to_the_selected_box_by_keys(service, operator):
    labels = [f'part {n}' for n in range(1, 41)]
    priors = [prior('part 1', box(left, 0.1, left + 0.2, 0.4)) for left in (0.1, 0.4, 0.7)]
    token = service.ask(priors={'label_options': labels, 'annotations': priors})
    open_question(operator)
    click(operator, 0.5, 0.2)
    expect(operator.get_by_role('heading', name='Label · Box 2 of 3')).to_be_visible()
    operator.keyboard.press('l')
    operator.keyboard.type('T 27')
    shown = operator.get_by_test_id('label').filter(visible=True)
    expect(shown).to_have_text(['part 27'])
    operator.keyboard.press('Enter')
    # All labels are there again, and the keys are the image's.
    expect(shown).to_have_count(40)
    expect(operator.get_by_test_id('stage')).to_be_focused()
    # By the list of labels, too: nothing on the way there selects another box. The one given last
    # is the first of the list.
    click(operator, 0.2, 0.2)
    operator.keyboard.press('l')
    operator.keyboard.press('Tab')
    operator.keyboard.press('Tab')
    operator.keyboard.press('Tab')
    operator.keyboard.press('Enter')
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    given = service.engagement(token)
    assert [each['label'] for each in given['annotations']] == ['part 2', 'part 27']
    assert given['confirmed_annotations'] == [priors[2]]


@pytest.mark.slow('a rare case, in a browser')
def test_the_label_that_was_typed_goes_before_longer_ones(service, operator):
    labels = ['cargo', 'car', 'Car', 'arm', *(f'part {n}' for n in range(8))]
    asked = prior('part 0', box(0.1, 0.1, 0.3, 0.4))
    service.ask(priors={'label_options': labels, 'annotations': [asked]})
    open_question(operator)
    click(operator, 0.2, 0.2)
    given = operator.locator('[data-testid="label"][aria-pressed="true"]')
    for typed, label in (
        ('car', 'car'), ('Car', 'Car'), ('CAR', 'Car'), ('ca', 'Car'), ('ar', 'arm'),
        ('g', 'cargo'), ('part 7', 'part 7'),
    ):  # fmt: skip
        operator.keyboard.press('l')
        operator.keyboard.type(typed)
        operator.keyboard.press('Enter')
        expect(given).to_have_attribute('title', label)


@pytest.mark.slow('a rare case, in a browser')
def test_a_found_label_can_be_clicked_where_buttons_take_no_focus(service, operator):
    """As in Safari: what had the focus loses it, to nothing."""
    labels = [f'part {n}' for n in range(1, 41)]
    asked = prior('part 1', box(0.1, 0.1, 0.3, 0.4))
    token = service.ask(priors={'label_options': labels, 'annotations': [asked]})
    open_question(operator)
    operator.evaluate(NO_FOCUS_BY_CLICK)
    click(operator, 0.2, 0.2)
    operator.keyboard.press('l')
    operator.keyboard.type('27')
    operator.get_by_test_id('label').filter(visible=True).click()
    expect(operator.get_by_test_id('label').filter(visible=True)).to_have_count(40)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (changed,) = service.engagement(token)['annotations']
    assert changed['label'] == 'part 27'


@pytest.mark.slow('a rare case, in a browser')
def test_a_label_that_is_clicked_counts_and_not_the_one_being_typed(service, operator):
    priors = [prior(label, box(at, 0.1, at + 0.2, 0.4)) for label, at in (('a', 0.1), ('b', 0.5))]
    token = service.ask(priors={'annotations': priors})
    open_question(operator)
    click(operator, 0.2, 0.2)
    operator.keyboard.press('l')
    operator.keyboard.type('typed')
    operator.get_by_test_id('label').filter(has_text='b').click()
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (changed,) = service.engagement(token)['annotations']
    assert changed['label'] == 'b'


@pytest.mark.slow('a rare case, in a browser')
def test_no_box_is_offered_on_a_video(service, operator, files):
    service.ask(
        content_location=[f'{files}/video.webm'], content_type='video',
        priors={'label_options': ['person', 'vehicle']},
    )
    operator.get_by_test_id('question').click()
    wait_until_open(operator)
    for name in ('draw', 'undo', 'fit', 'label', 'label-text'):
        expect(operator.get_by_test_id(name).first).to_be_hidden()
    service.ask(priors={'label_options': ['person', 'vehicle']})
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    wait_until_open(operator)
    for name in ('draw', 'fit', 'label'):
        expect(operator.get_by_test_id(name).first).to_be_visible()
