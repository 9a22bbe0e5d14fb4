# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Everything that is drawn, drawn and changed by keys alone."""

import pytest
from console_mouse import wait_until_open
from console_service import IMAGE_SIZE, box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('draws by keys alone in a browser')

TRIANGLE = [{'x': 0.2, 'y': 0.2}, {'x': 0.6, 'y': 0.2}, {'x': 0.4, 'y': 0.6}]
PIXEL = 1 / IMAGE_SIZE[0], 1 / IMAGE_SIZE[1]


def opened(service, page, **priors):
    token = service.ask(priors=priors)
    expect(page.get_by_test_id('question')).to_have_count(1)
    page.keyboard.press('Enter')
    wait_until_open(page)
    return token


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def submitted(service, page, token):
    page.keyboard.press('Enter')
    expect(page.get_by_test_id('idle')).to_be_visible()
    return service.engagement(token)


def near(a, b, pixels=0.01):
    return all(abs(a[axis] - b[axis]) / pixel <= pixels
               for axis, pixel in zip('xy', PIXEL, strict=True))


def size_on_screen(page):
    points = page.get_by_test_id('shape').locator('.line').get_attribute('points').split()
    (left, top), (right, bottom) = ((float(n) for n in points[at].split(',')) for at in (0, 2))
    return right - left, bottom - top


def test_a_box_is_drawn_and_resized_by_arrows(service, operator):
    token = opened(service, operator, label_options=['person'])
    press(operator, 'n', 'Shift+ArrowLeft', 'Shift+ArrowUp', 'Space')
    press(operator, 'Shift+ArrowRight', 'Shift+ArrowDown', 'ArrowDown', 'Enter')
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    expect(operator.get_by_test_id('summary')).to_have_text('1 added')
    width, height = size_on_screen(operator)
    assert (width, height) == pytest.approx((80, 88), abs=0.5)
    # The third corner, bottom right, ten pixels of the image to the right and up.
    press(operator, 'v', 'v', 'v', 'Shift+ArrowRight', 'Shift+ArrowUp')
    (added,) = submitted(service, operator, token)['annotations']
    assert (added['type'], added['label']) == ('bounding_box', 'person')
    (top_left, _, bottom_right, _) = added['vertices']
    wide = (bottom_right['x'] - top_left['x']) * IMAGE_SIZE[0]
    high = (bottom_right['y'] - top_left['y']) * IMAGE_SIZE[1]
    assert (wide - 10) / (high + 10) == pytest.approx(width / height, abs=0.01)


def test_a_corner_that_the_keys_move_leaves_the_opposite_one(service, operator):
    asked = prior('person', box(0.2, 0.2, 0.6, 0.6))
    token = opened(service, operator, annotations=[asked])
    press(operator, 'Tab', 'Shift+V', 'ArrowLeft', 'Shift+ArrowDown')
    (changed,) = submitted(service, operator, token)['annotations']
    moved = {'x': 0.2 - PIXEL[0], 'y': 0.6 + 10 * PIXEL[1]}
    assert changed['vertices'][1] == asked['vertices'][1]
    assert near(changed['vertices'][3], moved)


def test_a_polygon_is_drawn_by_keys(service, operator):
    token = opened(service, operator, label_options=['lane'])
    press(operator, 'g', 'Space', 'Shift+ArrowRight', 'Space', 'Shift+ArrowDown', 'Space')
    press(operator, 'Shift+ArrowLeft', 'Space', 'Backspace', 'Enter')
    expect(operator.get_by_test_id('summary')).to_have_text('1 added')
    (added,) = submitted(service, operator, token)['annotations']
    assert (added['type'], added['label']) == ('polygon', 'lane')
    a, b, c = added['vertices']
    assert a['y'] == b['y'] and b['x'] == c['x'] and a['x'] < b['x'] and b['y'] < c['y']


def test_the_cross_is_never_under_the_tools(service, operator):
    opened(service, operator, label_options=['person'])
    press(operator, *'++++', 'g', *['Shift+ArrowDown'] * 9)
    cross = operator.locator('.sketch .cross').bounding_box()
    tools = operator.locator('#tools').bounding_box()
    assert cross['y'] + cross['height'] <= tools['y']


def test_enter_does_not_submit_a_polygon_that_is_not_complete(service, operator):
    token = opened(service, operator, label_options=['lane'])
    press(operator, 'g', 'Space', 'Enter')
    expect(operator.get_by_test_id('sketch').locator('circle')).to_have_count(1)
    assert service.engagement(token)['state'] == 'assigned'
    press(operator, 'Escape')
    expect(operator.get_by_test_id('sketch').locator('circle')).to_have_count(0)
    press(operator, 'Enter')
    expect(operator.get_by_test_id('summary')).to_contain_text('Submit again')
    assert submitted(service, operator, token)['annotations'] == []


def test_a_dot_is_placed_and_moved_by_keys(service, operator):
    token = opened(service, operator, label_options=['tip'])
    press(operator, 'd', 'Space', 'Shift+ArrowRight', 'ArrowUp')
    expect(operator.get_by_test_id('summary')).to_have_text('1 added')
    (added,) = submitted(service, operator, token)['annotations']
    assert added['type'] == 'dot'
    # It began in the middle of the stage, and so of the image's width.
    assert near({**added['vertices'][0], 'y': 0}, {'x': 0.5 + 10 * PIXEL[0], 'y': 0}, 1)


def test_vertices_are_walked_through_moved_added_and_removed(service, operator):
    lane = {'label': 'lane', 'type': 'polygon', 'vertices': TRIANGLE}
    token = opened(service, operator, annotations=[lane])
    press(operator, 'Tab', 'v', 'v', 'ArrowRight', 'e', 'Shift+ArrowDown')
    press(operator, 'Shift+V', 'Shift+V', 'Delete')
    (changed,) = submitted(service, operator, token)['annotations']
    right = {'x': 0.6 + PIXEL[0], 'y': 0.2}
    added = {'x': (right['x'] + 0.4) / 2, 'y': 0.4 + 10 * PIXEL[1]}
    assert len(changed['vertices']) == 3
    for vertex, wanted in zip(changed['vertices'], [right, added, TRIANGLE[2]], strict=True):
        assert near(vertex, wanted)


def test_a_polygon_keeps_three_vertices(service, operator):
    lane = {'label': 'lane', 'type': 'polygon', 'vertices': TRIANGLE}
    token = opened(service, operator, annotations=[lane])
    press(operator, 'Tab', 'v', 'Delete')
    assert submitted(service, operator, token)['confirmed_annotations'] == [lane]


def test_a_heat_point_is_placed_by_keys(service, operator, files):
    id = service.ask_heat(
        'annotations', attachments_type='image', attachments=[f'{files}/photo.jpg'])
    expect(operator.get_by_test_id('question')).to_have_count(1)
    press(operator, 'Enter')
    wait_until_open(operator)
    # A polygon is not what was asked for.
    press(operator, 'g', 'n', 'Space')
    expect(operator.get_by_test_id('mark')).to_have_count(1)
    press(operator, 'Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (point,) = service.heat_response(id)
    assert abs(point['x'] - IMAGE_SIZE[0] / 2) <= 1
