# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's questions without annotations, answered by an operator and read back by the asker."""

from functools import partial

import httpx
import pytest
from console_mouse import open_question
from console_service import photograph
from console_stub import sound, video
from playwright.sync_api import expect

another = pytest.mark.slow('one kind of several, in a browser')


def expect_sent(page):
    expect(page.get_by_test_id('idle')).to_be_visible()


def test_a_single_choice_takes_one_key_and_enter(service, operator, files):
    id = service.ask_heat(
        'multiple-choice', attachments_type='image', attachments=[f'{files}/photo.jpg'],
        choices=['no violence', 'mild violence', 'intense violence'], max_answers=1,
    )
    open_question(operator)
    expect(operator.get_by_test_id('program')).to_have_text('Multiple choice')
    operator.keyboard.press('3')
    operator.keyboard.press('2')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == ['mild violence']


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_several_choices_stay_within_their_limits(service, operator):
    id = service.ask_heat(
        'multiple-choice', choices=['a', 'b', 'c', 'd'], min_answers=2, max_answers=3)
    open_question(operator)
    summary = operator.get_by_test_id('summary')
    expect(summary).to_have_text('Choose 2 to 3.')
    operator.keyboard.press('4')
    operator.keyboard.press('Enter')
    expect(summary).to_have_text('Choose 2 to 3. 1 so far.')
    expect(summary).to_have_class('muted problem')
    for key in '321':
        operator.keyboard.press(key)
    expect(summary).to_contain_text('At most 3 choices')
    operator.keyboard.press('3')
    operator.get_by_test_id('choice').first.click()
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    assert service.heat_response(id) == ['a', 'b', 'd']


@pytest.mark.slow('a form that is seldom seen, in a browser')
@pytest.mark.parametrize(
    ('kind', 'names'),
    [
        ('image', ['photo.jpg', 'other.jpg']),
        ('video', ['video.webm?a', 'video.webm?b']),
        ('audio', ['sound.wav', 'other.wav']),
        ('website', ['page.html?a', 'page.html?b']),
    ],
)
def test_a_choice_can_be_seen_or_heard(service, operator, files, kind, names):
    choices = [f'{files}/{name}' for name in names]
    id = service.ask_heat('multiple-choice', choices_type=kind, choices=choices, max_answers=1)
    open_question(operator)
    shown = {'image': 'img', 'website': 'a'}.get(kind, kind)
    expect(operator.get_by_test_id('choices').locator(shown)).to_have_count(2)
    operator.keyboard.press('2')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == [choices[1]]


def test_words_are_answered_as_typed(service, operator):
    id = service.ask_heat(
        'free-text', instruction='Translate from Spanish to English', attachments=['hola mundo'])
    open_question(operator)
    expect(operator.get_by_test_id('attachment')).to_have_text('hola mundo')
    expect(operator.get_by_test_id('text-answer')).to_be_focused()
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('summary')).to_have_class('muted problem')
    operator.keyboard.type('hello world\nsecond line 1?')
    operator.keyboard.press('Control+Enter')
    expect_sent(operator)
    assert service.heat_response(id) == 'hello world\nsecond line 1?'


@pytest.mark.parametrize(
    ('validation', 'wrong', 'hint', 'right'),
    [
        ('number', '12 apples', 'not a number', '-12.5'),
        pytest.param(
            'url', 'example.com', 'not an address', 'https://example.com/a?b=c', marks=another
        ),
    ],
)
def test_numbers_and_addresses_are_checked_while_typing(
    service, operator, validation, wrong, hint, right
):
    id = service.ask_heat('free-text', validation=validation)
    open_question(operator)
    operator.keyboard.type(wrong)
    expect(operator.get_by_test_id('hint')).to_contain_text(hint)
    operator.keyboard.press('Enter')
    assert service.heat_request(id)['status'] == 'pending'
    operator.get_by_test_id('text-answer').fill(right)
    expect(operator.get_by_test_id('hint')).to_be_hidden()
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == right


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_rating_by_arrow_keys(service, operator, files):
    id = service.ask_heat(
        'rating', attachments_type='image', attachments=[f'{files}/photo.jpg'],
        rating_min=0, rating_max=1, rating_step=0.1, label_min='calm', label_max='wild',
    )
    open_question(operator)
    expect(operator.get_by_test_id('rating-end')).to_have_text(['0calm', '1wild'])
    # Unlike a slider that just stands somewhere, nothing is answered before it is touched.
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_have_text('Choose a rating from 0 to 1.')
    operator.keyboard.press('ArrowRight')
    operator.keyboard.press('ArrowRight')
    operator.keyboard.press('ArrowRight')
    expect(operator.get_by_test_id('rating-number')).to_have_value('0.7')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == 0.7


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_rating_by_number(service, operator):
    id = service.ask_heat('rating', rating_max=100, rating_step=5)
    open_question(operator)
    operator.keyboard.type('37')
    expect(operator.get_by_test_id('hint')).to_contain_text('near are 35 and 40')
    operator.get_by_test_id('rating-number').fill('101')
    expect(operator.get_by_test_id('hint')).to_have_text('The scale goes from 0 to 100.')
    operator.keyboard.press('Enter')
    operator.get_by_test_id('rating-number').fill('35')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    assert service.heat_response(id) == 35


@pytest.mark.slow('a form that is seldom seen, in a browser')
@pytest.mark.parametrize(
    ('kind', 'name', 'content_type', 'content'),
    [
        ('image', 'cake.jpg', 'image/jpeg', photograph),
        ('audio', 'word.wav', 'audio/wav', sound),
        ('video', 'cat.mp4', 'video/mp4', partial(video, 'mp4')),
    ],
)
def test_a_file_that_is_asked_for_is_uploaded(
    service, operator, kind, name, content_type, content
):
    id = service.ask_heat(kind, instruction='A birthday cake')
    open_question(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_contain_text('Choose ')
    file = operator.get_by_test_id('file')
    file.set_input_files({'name': 'notes.txt', 'mimeType': 'text/plain', 'buffer': b'no'})
    expect(operator.get_by_test_id('upload-state')).to_contain_text('“notes.txt” is not')
    file.set_input_files({'name': name, 'mimeType': content_type, 'buffer': content()})
    expect(operator.get_by_test_id('preview').locator('img, audio, video')).to_be_visible()
    expect(operator.get_by_test_id('upload-state')).to_have_text('Uploaded.')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    with httpx.Client(trust_env=False, timeout=20) as asker:
        assert asker.get(service.heat_response(id)).content == content()


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_the_service_s_own_refusal_of_a_file_is_shown(service, operator):
    service.ask_heat('image')
    open_question(operator)
    operator.get_by_test_id('file').set_input_files(
        {'name': 'a.jpg', 'mimeType': 'image/jpeg', 'buffer': b'no image at all'})
    expect(operator.get_by_test_id('upload-state')).to_contain_text('Not uploaded: ')
    expect(operator.get_by_test_id('summary')).to_contain_text('Not uploaded: ')


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_telephone_number_is_shown_as_what_to_do(service, operator):
    service.ask_heat(
        'free-text', attachments=['dial:+1212123456@ww1234', 'PIN Code: 1234'],
        validation='number')
    open_question(operator)
    expect(operator.get_by_test_id('dial')).to_contain_text('+1212123456')
    expect(operator.get_by_test_id('dial')).to_contain_text('wait 1 s')
    expect(operator.get_by_test_id('attachment')).to_have_text('Attachment 2 of 2PIN Code: 1234')


def test_what_cannot_be_answered_is_flagged(service, operator):
    id = service.ask_heat('rating')
    open_question(operator)
    operator.keyboard.press('f')
    operator.get_by_test_id('reason').fill('There is nothing to <b>rate</b>.')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    given = service.heat_request(id)
    assert given['status'] == 'flagged'
    assert given['cruncher_feedback'] == 'There is nothing to <b>rate</b>.'


@pytest.mark.slow('a rare case, in a browser')
def test_an_answer_in_the_making_survives_a_skip(service, operator):
    service.ask_heat('free-text', instruction='first')
    service.ask_heat('multiple-choice', instruction='second', choices=['a', 'b'])
    expect(operator.get_by_test_id('question')).to_have_count(2)
    open_question(operator)
    operator.keyboard.type('half an ans')
    operator.keyboard.press('Escape')
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('instructions')).to_have_text('second')
    operator.get_by_test_id('question').first.click()
    expect(operator.get_by_test_id('text-answer')).to_have_value('half an ans')


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_who_is_excluded_is_told_so(service, operator):
    first = service.ask_heat('multiple-choice', choices=['a', 'b'], max_answers=1)
    open_question(operator)
    operator.keyboard.press('1')
    operator.keyboard.press('Enter')
    expect_sent(operator)
    (cruncher,) = service.heat_request(first)['crunchers']

    excluded = service.ask_heat('free-text', exclude_crunchers=[cruncher])
    expect(operator.get_by_test_id('question')).to_contain_text('not for you')
    expect(operator.get_by_test_id('idle')).to_contain_text('the asker excluded you')
    operator.get_by_test_id('question').click()
    expect(operator.get_by_test_id('notice')).to_contain_text('exclude')
    expect(operator.get_by_test_id('panel')).to_be_hidden()
    # Taken back by who asked, it is gone from the queue as well.
    service.abort_heat(excluded)
    expect(operator.get_by_test_id('question')).to_have_count(0)


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_the_keys_of_a_form_are_in_the_help(service, operator):
    service.ask_heat('multiple-choice', choices=['a', 'b'])
    open_question(operator)
    operator.keyboard.press('?')
    expect(operator.get_by_test_id('help')).to_contain_text('Choose, or take the choice back')
    expect(operator.get_by_test_id('help')).not_to_contain_text('Draw')
