# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's annotations: marked by an operator, read back by the asker in its own units."""

import pytest
from console_mouse import TOLERANCE_PX, click, drag, on_screen, open_question
from console_service import IMAGE_SIZE
from console_stub import VIDEO_SIZE
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('draws in a browser, once more for Heat')

COLOURS = ['gray', 'white', 'black', 'ginger']


def expect_sent(page):
    expect(page.get_by_test_id('idle')).to_be_visible()


def assert_near(given, size=IMAGE_SIZE, **wanted):
    """Check pixels against fractions of the image."""
    width, height = size
    for name, fraction in wanted.items():
        length = width if name.startswith('x') else height
        assert isinstance(given[name], int)
        assert abs(given[name] - fraction * length) <= TOLERANCE_PX, name


def ask(service, files, kind='annotations', **body):
    return service.ask_heat(kind, **{
        'instruction': 'Mark all the cats in the image', 'attachments_type': 'image',
        'attachments': [f'{files}/photo.jpg'], **body,
    })


def test_points_are_pixels_within_the_image(service, operator, files):
    id = ask(service, files, max_annotations=3)
    open_question(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_have_text('Mark 1 to 3. 0 so far.')
    click(operator, 0.25, 0.5)
    click(operator, 0.999, 0.999)
    click(operator, 0.5, 0.1)
    operator.keyboard.press('ArrowRight')
    operator.keyboard.press('Shift+ArrowDown')
    click(operator, 0.7, 0.7)
    expect(operator.get_by_test_id('summary')).to_contain_text('At most 3 marks')
    expect(operator.get_by_test_id('mark')).to_have_count(3)
    operator.keyboard.press('Enter')
    expect_sent(operator)
    first, corner, nudged = service.heat_response(id)
    assert set(first) == {'x', 'y'}
    assert_near(first, x=0.25, y=0.5)
    assert corner['x'] == 639 and corner['y'] == 479
    assert_near({'x': nudged['x'] - 1, 'y': nudged['y'] - 10}, x=0.5, y=0.1)


def test_rectangles_can_be_drawn_resized_undone_and_deleted(service, operator, files):
    id = ask(service, files, annotations_type='rectangle')
    open_question(operator)
    drag(operator, (0.8, 0.6), (0.6, 0.4))
    drag(operator, (0.8, 0.6), (0.9, 0.7))
    drag(operator, (0.1, 0.1), (0.2, 0.2))
    operator.keyboard.press('Delete')
    expect(operator.get_by_test_id('mark')).to_have_count(1)
    operator.keyboard.press('Control+z')
    expect(operator.get_by_test_id('mark')).to_have_count(2)
    operator.get_by_test_id('delete-mark').last.click()
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    (given,) = service.heat_response(id)
    assert set(given) == {'x', 'y', 'x2', 'y2'}
    assert_near(given, x=0.6, y=0.4, x2=0.9, y2=0.7)


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_rectangle_over_everything_stays_within_the_image(service, operator, files):
    id = ask(service, files, annotations_type='rectangle')
    open_question(operator)
    drag(operator, (-0.02, -0.02), (1.02, 1.02))
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == [{'x': 0, 'y': 0, 'x2': 640, 'y2': 480}]


def test_nothing_there_is_an_answer_where_none_are_needed(service, operator, files):
    id = ask(service, files, min_annotations=0)
    open_question(operator)
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == []


def test_each_mark_has_its_own_choice(service, operator, files):
    id = ask(service, files, 'annotations-with-multiple-choice', per_annotation={
        'instruction': 'What color is the cat', 'choices': COLOURS, 'max_answers': 1})
    open_question(operator)
    click(operator, 0.2, 0.2)
    expect(operator.get_by_test_id('per-annotation')).to_have_text('What color is the cat')
    operator.keyboard.press('1')
    click(operator, 0.6, 0.6)
    operator.keyboard.press('4')
    click(operator, 0.4, 0.8)
    expect(operator.get_by_test_id('tag')).to_have_text(['1 · gray', '2 · ginger', '3'])
    operator.keyboard.press('Escape')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_have_text('Mark 3: Choose one.')
    operator.keyboard.press('3')
    click(operator, 0.2, 0.2)
    expect(operator.get_by_role('radio', name='gray')).to_have_attribute('aria-checked', 'true')
    operator.keyboard.press('2')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    given = service.heat_response(id)
    assert [each['response'] for each in given] == [['white'], ['ginger'], ['black']]
    assert_near(given[1], x=0.6, y=0.6)


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_each_mark_has_its_own_words(service, operator, files):
    id = ask(service, files, 'annotations-with-free-text', per_annotation={
        'instruction': "What's the facial expression of the cat?"})
    open_question(operator)
    # The field is asked for at once; clicking on goes back to marking.
    click(operator, 0.2, 0.2)
    expect(operator.get_by_test_id('text-answer')).to_be_focused()
    operator.keyboard.type('grumpy')
    click(operator, 0.6, 0.6)
    expect(operator.get_by_test_id('text-answer')).to_be_focused()
    expect(operator.get_by_test_id('text-answer')).to_have_value('')
    operator.keyboard.type('curious')
    operator.keyboard.press('Escape')
    # What was typed is one step, and undone as one.
    operator.keyboard.press('Control+z')
    expect(operator.get_by_test_id('text-answer')).to_have_value('')
    operator.keyboard.press('Control+Shift+Z')
    operator.get_by_test_id('mark').first.click()
    expect(operator.get_by_test_id('text-answer')).to_have_value('grumpy')
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    assert [each['response'] for each in service.heat_response(id)] == ['grumpy', 'curious']


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_each_mark_has_its_own_rating(service, operator, files):
    id = ask(
        service, files, 'annotations-with-rating', annotations_type='rectangle',
        per_annotation={
            'instruction': 'How aggressive is the cat?', 'rating_min': 0, 'rating_max': 10,
            'label_min': 'not aggressive', 'label_max': 'very aggressive',
        },
    )
    open_question(operator)
    drag(operator, (0.1, 0.1), (0.3, 0.4))
    operator.keyboard.type('6')
    operator.keyboard.press('Enter')
    drag(operator, (0.5, 0.5), (0.8, 0.9))
    expect(operator.get_by_test_id('rating-number')).to_have_value('')
    operator.get_by_test_id('rating-number').fill('12')
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('summary')).to_contain_text('Mark 2: The scale goes from 0 to')
    operator.get_by_test_id('rating-number').fill('2')
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    given = service.heat_response(id)
    assert [each['response'] for each in given] == [6, 2]
    assert_near(given[0], x=0.1, y=0.1, x2=0.3, y2=0.4)


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_typing_goes_on_where_it_is_while_other_marks_have_answers(service, operator, files):
    id = ask(service, files, 'annotations-with-free-text', per_annotation={'instruction': 'Why?'})
    open_question(operator)
    click(operator, 0.2, 0.2)
    operator.keyboard.type('another')
    click(operator, 0.6, 0.6)
    operator.keyboard.type('ad')
    operator.keyboard.press('ArrowLeft')
    operator.keyboard.type('bc')
    expect(operator.get_by_test_id('text-answer')).to_have_value('abcd')
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    assert [each['response'] for each in service.heat_response(id)] == ['another', 'abcd']


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_negative_rating_can_be_typed(service, operator, files):
    id = ask(service, files, 'annotations-with-rating', per_annotation={
        'instruction': 'How warm?', 'rating_min': -10, 'rating_max': 10, 'rating_step': 0.5})
    open_question(operator)
    click(operator, 0.2, 0.2)
    operator.get_by_test_id('rating-number').click()
    operator.keyboard.type('-2.5')
    expect(operator.get_by_test_id('rating-number')).to_have_value('-2.5')
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    (given,) = service.heat_response(id)
    assert given['response'] == -2.5


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_mark_belongs_to_the_attachment_it_was_made_on(service, operator, files):
    id = ask(service, files, attachments=[f'{files}/photo.jpg', f'{files}/other.jpg'])
    open_question(operator)
    click(operator, 0.2, 0.2)
    operator.keyboard.press(']')
    expect(operator.get_by_test_id('tab').last).to_have_attribute('aria-selected', 'true')
    expect(operator.get_by_test_id('shape')).to_have_count(0)
    expect(operator.get_by_test_id('submit')).to_be_enabled()
    click(operator, 0.6, 0.6)
    expect(operator.get_by_test_id('tab')).to_have_text(
        ['Attachment 1 · 1 mark', 'Attachment 2 · 1 mark'])
    # Going to a mark goes to its attachment.
    operator.get_by_test_id('mark').first.click()
    expect(operator.get_by_test_id('tab').first).to_have_attribute('aria-selected', 'true')
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    expect(operator.get_by_test_id('submit')).to_be_enabled()
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    assert [each['attachment_index'] for each in service.heat_response(id)] == [0, 1]


def test_marks_survive_a_skip(service, operator, files):
    ask(service, files, annotations_type='rectangle')
    open_question(operator)
    drag(operator, (0.1, 0.1), (0.3, 0.3))
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    open_question(operator)
    expect(operator.get_by_test_id('mark')).to_have_count(1)
    expect(operator.get_by_test_id('shape')).to_have_count(1)


def select_text(page, words):
    """Drag over the words, as a mouse does."""
    first, last = page.get_by_test_id('text').evaluate("""(paper, words) => {
        const walker = document.createTreeWalker(paper, NodeFilter.SHOW_TEXT);
        for (let node; (node = walker.nextNode());) {
            const at = node.data.indexOf(words);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + words.length);
            const box = range.getBoundingClientRect();
            const y = box.top + box.height / 2;
            return [[box.left + 0.5, y], [box.right - 0.5, y]];
        }
    }""", words)
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*last, steps=4)
    page.mouse.up()


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_spans_of_a_text_are_counted_in_characters(service, operator):
    text = 'The 🐈 sat on the mat.\nThe dog <b>did</b> not.'
    id = service.ask_heat(
        'annotations-with-multiple-choice', attachments=[text], per_annotation={
            'instruction': 'What is it?', 'choices': ['animal', 'thing'], 'max_answers': 1})
    open_question(operator)
    select_text(operator, 'mat')
    expect(operator.get_by_test_id('span')).to_have_text(['mat'])
    operator.keyboard.press('2')
    select_text(operator, '<b>did</b>')
    operator.keyboard.press('2')
    expect(operator.get_by_test_id('span')).to_have_text(['mat', '<b>did</b>'])
    # By keyboard: the first word, and the space that a script would count as one more.
    operator.keyboard.press('Escape')
    operator.get_by_test_id('text').focus()
    operator.keyboard.press('ArrowRight')
    operator.keyboard.press('n')
    operator.keyboard.press('1')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    given = service.heat_response(id)
    spans = [text[each['start']:each['end']] for each in given]
    assert spans == ['mat', '<b>did</b>', 'The']
    assert [each['response'] for each in given] == [['thing'], ['thing'], ['animal']]
    assert set(given[0]) == {'start', 'end', 'response'}


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_spans_of_a_text_may_overlap(service, operator):
    text = 'one two three'
    id = service.ask_heat('annotations', attachments=[text, 'another'])
    open_question(operator)
    select_text(operator, 'one two')
    operator.get_by_test_id('text').evaluate("""(paper) => {
        const nodes = [...paper.childNodes];
        const rest = nodes[nodes.length - 1];
        getSelection().setBaseAndExtent(nodes[0].firstChild, 4, rest, rest.data.length);
    }""")
    operator.keyboard.press('n')
    expect(operator.get_by_test_id('span')).to_have_text(['one ', 'two', ' three'])
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    assert service.heat_response(id) == [
        {'start': 0, 'end': 7, 'attachment_index': 0},
        {'start': 4, 'end': 13, 'attachment_index': 0},
    ]


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_moments_of_a_recording_are_marked_at_the_current_time(service, operator, files):
    id = service.ask_heat(
        'annotations-with-free-text', attachments_type='audio',
        attachments=[f'{files}/sound.wav'],
        per_annotation={'instruction': 'What is heard?'},
    )
    open_question(operator)
    expect(operator.get_by_test_id('time')).to_have_text('0.0 s of 5.0 s')
    for _ in range(3):
        operator.keyboard.press('ArrowRight')
    operator.keyboard.press('.')
    expect(operator.get_by_test_id('time')).to_have_text('3.1 s of 5.0 s')
    operator.keyboard.press('n')
    operator.keyboard.type('a tone')
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    (given,) = service.heat_response(id)
    assert set(given) == {'t', 'response'}
    assert given['t'] == pytest.approx(3.1, abs=0.01)
    assert given['response'] == 'a tone'


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_places_in_a_video_carry_their_time(service, operator, files):
    id = service.ask_heat(
        'annotations', attachments_type='video', attachments=[f'{files}/video.webm'])
    open_question(operator)
    video = operator.get_by_test_id('video')
    expect(video).to_have_js_property('readyState', 4)
    expect(operator.get_by_test_id('stage')).to_be_focused()
    for _ in range(15):
        operator.keyboard.press('.')
    expect(operator.get_by_test_id('time')).to_have_text('1.5 s')
    area = video.bounding_box()
    operator.mouse.click(area['x'] + area['width'] * 0.25, area['y'] + area['height'] * 0.5)
    operator.keyboard.press('Enter')
    expect_sent(operator)
    (given,) = service.heat_response(id)
    assert set(given) == {'x', 'y', 't'}
    assert given['t'] == pytest.approx(1.5, abs=0.05)
    assert_near(given, VIDEO_SIZE, x=0.25, y=0.5)


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_an_image_that_cannot_be_loaded_is_said(service, operator, files):
    ask(service, files, attachments=[f'{files}/missing.jpg'])
    operator.get_by_test_id('question').click()
    expect(operator.get_by_test_id('cover')).to_contain_text('answered 404')
    expect(operator.get_by_test_id('submit')).to_be_disabled()


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_drag_that_is_stopped_marks_nothing(service, operator, files):
    ask(service, files, annotations_type='rectangle')
    open_question(operator)
    operator.mouse.move(*on_screen(operator, 0.3, 0.3))
    operator.mouse.down()
    operator.mouse.move(*on_screen(operator, 0.5, 0.5), steps=3)
    expect(operator.get_by_test_id('mark')).to_have_count(1)
    operator.keyboard.press('Escape')
    operator.mouse.up()
    expect(operator.get_by_test_id('mark')).to_have_count(0)
