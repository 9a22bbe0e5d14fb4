# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The canvas by fingers, on a tablet's screen."""

import pytest
from console_mouse import assert_box, on_screen, open_question
from console_service import box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('draws with fingers in a browser')


class Fingers:
    """Fingers on the screen, as the browser hears of them."""

    def __init__(self, page):
        self._page = page
        self._session = page.context.new_cdp_session(page)

    def tap(self, x, y):
        self.drag((x, y), (x, y))

    def drag(self, start, end, steps=5):
        self.together([(on_screen(self._page, *start), on_screen(self._page, *end))], steps)

    def together(self, ways, steps=5):
        """Move fingers along their ways, given in pixels of the screen."""
        for step in range(steps + 1):
            points = [
                {'id': id, 'x': a[0] + (b[0] - a[0]) * step / steps,
                 'y': a[1] + (b[1] - a[1]) * step / steps}
                for id, (a, b) in enumerate(ways)
            ]
            self._send('touchMove' if step else 'touchStart', points)
        self._send('touchEnd', [])

    def _send(self, kind, points):
        self._session.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': points})


@pytest.fixture
def tablet(service, browser):
    context = browser.new_context(
        viewport={'width': 1024, 'height': 768}, has_touch=True, is_mobile=True,
        storage_state=service.session(browser, 0),
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints = []
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.goto(f'{service.url}/')
    yield page
    context.close()
    assert not complaints


def submitted(service, page, token):
    page.get_by_test_id('submit').tap()
    expect(page.get_by_test_id('idle')).to_be_visible()
    return service.engagement(token)


def test_two_fingers_zoom_and_move_the_picture_and_draw_nothing(service, tablet):
    service.ask(priors={'label_options': ['person']})
    open_question(tablet)
    image = tablet.get_by_test_id('image')
    before = image.bounding_box()
    a, b = on_screen(tablet, 0.4, 0.5), on_screen(tablet, 0.6, 0.5)
    wide = b[0] - a[0]
    Fingers(tablet).together([
        (a, (a[0] - wide / 2, a[1] + 40)), (b, (b[0] + wide / 2, b[1] + 40)),
    ])
    after = image.bounding_box()
    assert after['width'] == pytest.approx(2 * before['width'], rel=0.02)
    # What lay under the fingers still does.
    assert on_screen(tablet, 0.5, 0.5) == pytest.approx(
        ((a[0] + b[0]) / 2, a[1] + 40), abs=2)
    expect(tablet.get_by_test_id('shape')).to_have_count(0)
    tablet.get_by_test_id('fit').tap()
    expect(image).to_be_in_viewport(ratio=1)


def test_a_box_is_drawn_selected_moved_and_resized(service, tablet):
    token = service.ask(priors={
        'label_options': ['person'], 'annotations': [prior('person', box(0.1, 0.1, 0.4, 0.4))]})
    open_question(tablet)
    fingers = Fingers(tablet)
    fingers.drag((0.5, 0.5), (0.8, 0.8))
    fingers.tap(0.25, 0.25)
    grip = tablet.get_by_test_id('handle-se').bounding_box()
    assert grip['width'] >= 44 and grip['height'] >= 44
    # Well beside the corner itself.
    x, y = on_screen(tablet, 0.4, 0.4)
    end = on_screen(tablet, 0.5, 0.45)
    fingers.together([((x + 15, y + 15), (end[0] + 15, end[1] + 15))])
    fingers.drag((0.3, 0.25), (0.4, 0.25))
    moved, added = submitted(service, tablet, token)['annotations']
    assert_box(moved, 0.2, 0.1, 0.6, 0.45)
    assert_box(added, 0.5, 0.5, 0.8, 0.8)


def test_a_polygon_is_drawn_and_changed(service, tablet):
    token = service.ask(priors={'label_options': ['lane']})
    open_question(tablet)
    fingers = Fingers(tablet)
    tablet.get_by_test_id('polygon').tap()
    for corner in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)):
        fingers.tap(*corner)
    tablet.get_by_test_id('finish').tap()
    expect(tablet.get_by_test_id('shape')).to_have_count(1)
    # A vertex that is tapped is taken, and the button removes it.
    fingers.tap(0.2, 0.8)
    tablet.get_by_test_id('delete').tap()
    fingers.drag((0.5, 0.2), (0.5, 0.1))
    (polygon,) = submitted(service, tablet, token)['annotations']
    places = [(round(each['x'], 2), round(each['y'], 2)) for each in polygon['vertices']]
    assert places == [(0.2, 0.2), (0.5, 0.1), (0.8, 0.2), (0.8, 0.8)]


def test_each_tap_places_a_dot_until_the_tool_is_put_away(service, tablet):
    token = service.ask(priors={'label_options': ['wheel']})
    open_question(tablet)
    fingers, dot = Fingers(tablet), tablet.get_by_test_id('dot')
    dot.tap()
    for place in ((0.2, 0.3), (0.7, 0.6)):
        fingers.tap(*place)
    expect(tablet.get_by_test_id('shape')).to_have_count(2)
    dot.tap()
    expect(dot).to_have_attribute('aria-pressed', 'false')
    fingers.drag((0.7, 0.6), (0.7, 0.8))
    given = submitted(service, tablet, token)['annotations']
    assert [(each['label'], each['type']) for each in given] == [('wheel', 'dot')] * 2
    places = [each['vertices'][0] for each in given]
    assert [(round(each['x'], 2), round(each['y'], 2)) for each in places] == [
        (0.2, 0.3), (0.7, 0.8),
    ]


def test_a_second_finger_gives_up_what_the_first_had_begun(service, tablet):
    asked = prior('person', box(0.1, 0.1, 0.5, 0.5))
    token = service.ask(priors={'annotations': [asked]})
    open_question(tablet)
    fingers = Fingers(tablet)
    fingers.tap(0.3, 0.3)
    a, b = on_screen(tablet, 0.25, 0.3), on_screen(tablet, 0.35, 0.3)
    fingers.together([(a, (a[0] - 60, a[1])), (b, (b[0] + 60, b[1]))])
    expect(tablet.get_by_test_id('summary')).to_have_text('1 unchanged')
    assert submitted(service, tablet, token)['confirmed_annotations'] == [asked]


def test_the_last_point_of_a_polygon_is_taken_back_by_a_tap(service, tablet):
    token = service.ask(priors={'label_options': ['person']})
    open_question(tablet)
    tablet.get_by_test_id('polygon').tap()
    undo, redo = tablet.get_by_test_id('undo'), tablet.get_by_test_id('redo')
    expect(undo).to_be_disabled()
    fingers = Fingers(tablet)
    for point in ((0.2, 0.2), (0.6, 0.2), (0.4, 0.6), (0.9, 0.9)):
        fingers.tap(*point)
    undo.tap()
    undo.tap()
    redo.tap()
    expect(redo).to_be_enabled()
    tablet.get_by_test_id('finish').tap()
    expect(redo).to_be_disabled()
    [drawn] = submitted(service, tablet, token)['annotations']
    assert len(drawn['vertices']) == 3


def test_a_box_too_small_for_its_handles_is_moved(service, tablet):
    priors = {'annotations': [prior('person', box(0.5, 0.5, 0.53, 0.54))]}
    token = service.ask(priors=priors)
    open_question(tablet)
    fingers = Fingers(tablet)
    fingers.tap(0.515, 0.52)
    fingers.drag((0.515, 0.52), (0.615, 0.62))
    [shape] = submitted(service, tablet, token)['annotations']
    assert_box(shape, 0.6, 0.6, 0.63, 0.64)


def test_a_rating_is_chosen_where_the_slider_already_stands(service, tablet):
    id = service.ask_heat('rating', rating_min=1, rating_max=9, rating_step=1)
    open_question(tablet)
    slider = tablet.get_by_test_id('slider').bounding_box()
    middle = slider['x'] + slider['width'] / 2, slider['y'] + slider['height'] / 2
    tablet.touchscreen.tap(*middle)
    expect(tablet.get_by_test_id('rating-number')).to_have_value('5')
    tablet.get_by_test_id('submit').tap()
    expect(tablet.get_by_test_id('idle')).to_be_visible()
    assert service.heat_response(id) == 5
