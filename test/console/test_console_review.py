# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Each prior is accepted or rejected, by keys, mouse and thumb; a rejected one comes back."""

import pytest
from console_mouse import click, drag, on_screen, open_question, wait_until_open
from console_service import box, prior
from console_tasks import task_times
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('reviews priors in a browser')

PRIORS = [
    prior('person', box(0.05, 0.05, 0.25, 0.35), metadata={'score': 0.93}),
    prior('face', box(0.35, 0.05, 0.55, 0.35), metadata={'score': 0.6, 'doubted': True}),
    prior('flag', box(0.65, 0.05, 0.90, 0.35), metadata={'score': 0.71}),
    prior('face', box(0.05, 0.55, 0.25, 0.90), metadata={'score': 0.34, 'doubted': True}),
]
LABELS = ['person', 'face', 'flag']
PHONE = {'width': 390, 'height': 844}


@pytest.fixture
def token(service):
    return service.ask(priors={'label_options': LABELS, 'annotations': PRIORS})


def decisions(page, *wanted):
    """Expect these decisions, in the order of the list."""
    rows = page.get_by_test_id('prior')
    expect(rows).to_have_count(len(wanted))
    for at, decision in enumerate(wanted):
        expect(rows.nth(at)).to_have_attribute('data-decision', decision)


def test_priors_are_reviewed_by_keys_alone(service, operator, token):
    expect(operator.get_by_test_id('question')).to_have_count(1)
    operator.keyboard.press('Enter')
    wait_until_open(operator)
    rows = operator.get_by_test_id('prior')
    # The doubted first, the least certain of them before the others; then the rest in turn.
    for at, score in enumerate(('34 % ?', '60 % ?', '71 %', '93 %')):
        expect(rows.nth(at)).to_contain_text(score)
    decisions(operator, 'open', 'open', 'open', 'open')
    # The first press decides nothing: nobody has looked at anything yet.
    operator.keyboard.press('a')
    expect(rows.nth(0)).to_have_attribute('aria-pressed', 'true')
    decisions(operator, 'open', 'open', 'open', 'open')
    expect(operator.get_by_test_id('review-left')).to_have_text('4 to review')
    operator.keyboard.press('x')
    expect(rows.nth(1)).to_have_attribute('aria-pressed', 'true')
    operator.keyboard.press('a')
    operator.keyboard.press('1')
    decisions(operator, 'removed', 'accepted', 'changed', 'open')
    operator.keyboard.press('a')
    expect(rows.nth(3)).to_have_attribute('aria-pressed', 'true')
    operator.keyboard.press('a')
    decisions(operator, 'removed', 'accepted', 'changed', 'accepted')
    expect(operator.get_by_test_id('review-left')).to_have_text('All reviewed')
    expect(operator.get_by_test_id('accept')).to_be_disabled()
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()

    given = service.engagement(token)
    assert given['confirmed_annotations'] == [PRIORS[0], PRIORS[1]]
    assert given['removed_annotations'] == [PRIORS[3]]
    (relabelled,) = given['annotations']
    assert (relabelled['original_annotation'], relabelled['label']) == (PRIORS[2], 'person')


def test_what_was_decided_is_seen_in_the_picture_and_can_be_undone(operator, token):
    open_question(operator)
    tag = operator.get_by_test_id('tag')
    for key in 'axa':
        operator.keyboard.press(key)
    expect(tag.filter(has_text='✓')).to_have_count(1)
    expect(operator.get_by_test_id('ghost')).to_have_count(1)
    expect(operator.get_by_test_id('shape')).to_have_count(3)
    operator.keyboard.press('Control+z')
    decisions(operator, 'removed', 'open', 'open', 'open')
    expect(tag.filter(has_text='✓')).to_have_count(0)
    operator.keyboard.press('Control+z')
    decisions(operator, 'open', 'open', 'open', 'open')
    expect(operator.get_by_test_id('ghost')).to_have_count(0)
    operator.keyboard.press('Control+Shift+Z')
    operator.keyboard.press('Control+Shift+Z')
    decisions(operator, 'removed', 'accepted', 'open', 'open')


def test_a_removed_prior_is_brought_back_by_keys_as_it_was_sent(service, operator, token):
    open_question(operator)
    # Moved before it is removed: what comes back is the robot's.
    click(operator, 0.45, 0.2)
    operator.keyboard.press('ArrowRight')
    operator.keyboard.press('Delete')
    decisions(operator, 'open', 'removed', 'open', 'open')
    # From the picture on: three shapes, then the ghost.
    for _ in range(4):
        operator.keyboard.press('Tab')
    expect(operator.get_by_test_id('selection')).to_have_text('face · removed')
    expect(operator.get_by_test_id('accept')).to_contain_text('Bring back')
    operator.keyboard.press('a')
    decisions(operator, 'open', 'open', 'open', 'open')
    operator.keyboard.press('Control+z')
    decisions(operator, 'open', 'removed', 'open', 'open')
    operator.keyboard.press('Control+y')
    with operator.expect_request('**/answer') as sent:
        operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert [each['prior'] for each in sent.value.post_data_json['shapes']] == [0, 1, 2, 3]
    assert service.engagement(token)['confirmed_annotations'] == PRIORS


def test_a_ghost_is_clicked_and_never_blocks_a_new_box(service, operator, token):
    open_question(operator)
    rows = operator.get_by_test_id('prior')
    rows.nth(2).click()
    operator.get_by_test_id('reject').click()
    decisions(operator, 'open', 'open', 'removed', 'open')
    # A drag draws where the ghost is, a click selects it.
    drag(operator, (0.68, 0.10), (0.85, 0.30))
    expect(operator.get_by_test_id('summary')).to_have_text('3 unchanged · 1 added · 1 removed')
    click(operator, 0.67, 0.07)
    expect(operator.get_by_test_id('selection')).to_have_text('flag · removed')
    operator.get_by_test_id('accept').click()
    expect(operator.get_by_test_id('summary')).to_have_text('4 unchanged · 1 added')
    operator.get_by_test_id('submit').click()
    expect(operator.get_by_test_id('idle')).to_be_visible()
    given = service.engagement(token)
    assert given['confirmed_annotations'] == PRIORS
    assert given['removed_annotations'] == []


def test_what_was_decided_is_kept_when_the_question_is_skipped(operator, token):
    open_question(operator)
    for key in 'axa':
        operator.keyboard.press(key)
    decisions(operator, 'removed', 'accepted', 'open', 'open')
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    open_question(operator)
    decisions(operator, 'removed', 'accepted', 'open', 'open')
    operator.keyboard.press('Control+z')
    decisions(operator, 'removed', 'open', 'open', 'open')


def test_what_is_kept_survives_as_text(operator):
    """As it does in the browser's storage: another page goes on with new keys of its own."""
    seen = operator.evaluate("""async () => {
      const { Editor } = await import('/console/editor.js');
      const priors = [4, 7].map((index) =>
        ({ index, label: 'a', type: 'dot', vertices: [{ x: 0.1, y: 0.2 }] }));
      const before = new Editor();
      before.load(priors);
      before.remove(before.shapes[0].key);
      before.add({ type: 'dot', vertices: [{ x: 0.5, y: 0.5 }] });
      const kept = JSON.parse(JSON.stringify(before.keep()));
      kept.shapes.at(-1).key = 1000;
      const after = new Editor();
      after.load(priors, kept);
      after.restore(after.ghosts[0].key);
      after.add({ type: 'dot', vertices: [{ x: 0.6, y: 0.6 }] });
      return [after.shapes.map(({ prior }) => prior), after.shapes.map(({ key }) => key)];
    }""")
    assert seen == [[4, 7, None, None], [-5, -8, 1000, 1001]]


def test_priors_are_reviewed_with_a_thumb(service, browser, token):
    context = browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, storage_state=service.session(browser, 0)
    )
    page = context.new_page()
    page.goto(f'{service.url}/')
    page.get_by_test_id('question').first.tap()
    wait_until_open(page)
    accept, reject = page.get_by_test_id('accept'), page.get_by_test_id('reject')
    for button in (accept, reject, page.get_by_test_id('prior').first):
        assert button.bounding_box()['height'] >= 44
    for button in (accept, reject):
        expect(button).to_be_in_viewport(ratio=1)
        assert button.bounding_box()['width'] >= 100
    accept.tap()
    reject.tap()
    accept.tap()
    decisions(page, 'removed', 'accepted', 'open', 'open')
    page.get_by_test_id('prior').first.tap()
    expect(accept).to_contain_text('Bring back')
    accept.tap()
    decisions(page, 'open', 'accepted', 'open', 'open')
    for _ in range(3):
        accept.tap()
    decisions(page, 'accepted', 'accepted', 'accepted', 'accepted')
    # A thumb that taps once too often sends nothing.
    place = reject.bounding_box()
    page.touchscreen.tap(place['x'] + 20, place['y'] + 20)
    assert service.engagement(token)['state'] == 'assigned'
    page.get_by_test_id('submit').tap()
    expect(page.get_by_test_id('idle')).to_be_visible()
    assert service.engagement(token)['confirmed_annotations'] == PRIORS
    context.close()


def test_what_comes_next_is_brought_into_view(operator, token):
    open_question(operator)
    operator.mouse.move(*on_screen(operator, 0.8, 0.1))
    operator.mouse.wheel(0, -1500)
    face = operator.locator('[data-testid=shape][data-prior="3"]')
    expect(face).not_to_be_in_viewport()
    operator.keyboard.press('a')
    expect(face).to_be_in_viewport()


def test_there_is_nothing_to_review_without_priors(service, operator):
    service.ask(priors={'label_options': LABELS})
    open_question(operator)
    expect(operator.get_by_test_id('review-bar')).to_be_hidden()
    expect(operator.get_by_test_id('priors')).to_be_hidden()
    operator.keyboard.press('x')
    expect(operator.get_by_test_id('summary')).to_have_text('0 shapes')


def test_the_words_are_german_in_a_german_browser(service, browser, token):
    session = service.session(browser, 0)
    context = browser.new_context(locale='de-DE', storage_state=session)
    page = context.new_page()
    page.goto(f'{service.url}/')
    open_question(page)
    expect(page.get_by_test_id('review-left')).to_have_text('4 zu prüfen')
    for key in 'axa':
        page.keyboard.press(key)
    expect(page.get_by_test_id('summary')).to_have_text('1 bestätigt · 2 unverändert · 1 entfernt')
    expect(page.get_by_test_id('accept')).to_contain_text('Annehmen')
    expect(page.get_by_test_id('selection')).to_contain_text('Rahmen 3 von 3 · flag · 71 %')
    page.keyboard.press('?')
    expect(page.get_by_test_id('help')).to_contain_text('Die gewählte Form ablehnen')
    context.close()


def test_five_hundred_priors_are_reviewed_without_a_long_task(service, operator):
    many = [
        prior('part', box(at % 25 / 25, at // 25 / 20, at % 25 / 25 + 0.03, at // 25 / 20 + 0.04),
              metadata={'score': (at + 1) / 600})
        for at in range(500)
    ]
    service.ask(priors={'label_options': ['part'], 'annotations': many})
    expect(operator.get_by_test_id('question')).to_have_count(1)
    with task_times(operator) as times:
        open_question(operator)
        for key in 'axxxxaaaa':
            operator.keyboard.press(key)
        expect(operator.get_by_test_id('review-left')).to_have_text('492 to review')
    assert 0 < max(times) < 500
