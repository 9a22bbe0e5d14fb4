# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Drawing on the picture by mouse: polygons, dots, what lies behind, and looking closer."""

import pytest
from console_mouse import (
    TOLERANCE_PX,
    assert_box,
    click,
    drag,
    on_screen,
    open_question,
    wait_until_open,
)
from console_service import IMAGE_SIZE, box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('draws in a browser')

SQUARE = [{'x': 0.2, 'y': 0.2}, {'x': 0.6, 'y': 0.2}, {'x': 0.6, 'y': 0.6}, {'x': 0.2, 'y': 0.6}]


def assert_at(vertex, x, y):
    width, height = IMAGE_SIZE
    assert abs(vertex['x'] - x) * width <= TOLERANCE_PX
    assert abs(vertex['y'] - y) * height <= TOLERANCE_PX


def submitted(service, page, token):
    page.keyboard.press('Control+Enter')
    expect(page.get_by_test_id('idle')).to_be_visible()
    return service.engagement(token)


def test_a_polygon_and_a_dot_are_drawn(service, operator):
    token = service.ask(priors={'label_options': ['lane', 'tip']})
    open_question(operator)
    operator.get_by_test_id('polygon').click()
    expect(operator.get_by_test_id('polygon')).to_have_attribute('aria-pressed', 'true')
    for corner in ((0.2, 0.2), (0.6, 0.2), (0.9, 0.9)):
        click(operator, *corner)
    # The last point is taken back, placed again and taken back: each of them is a step.
    operator.keyboard.press('Control+z')
    operator.keyboard.press('Control+Shift+Z')
    operator.keyboard.press('Control+z')
    click(operator, 0.4, 0.6)
    click(operator, 0.2, 0.2)
    expect(operator.get_by_test_id('polygon')).to_have_attribute('aria-pressed', 'false')
    operator.keyboard.press('1')
    operator.keyboard.press('d')
    click(operator, 0.8, 0.7)
    operator.keyboard.press('2')
    expect(operator.get_by_test_id('summary')).to_have_text('2 added')
    polygon, dot = submitted(service, operator, token)['annotations']
    assert (polygon['type'], polygon['label']) == ('polygon', 'lane')
    assert len(polygon['vertices']) == 3
    for vertex, wanted in zip(
        polygon['vertices'], [(0.2, 0.2), (0.6, 0.2), (0.4, 0.6)], strict=True
    ):
        assert_at(vertex, *wanted)
    assert (dot['type'], dot['label']) == ('dot', 'tip')
    assert_at(dot['vertices'][0], 0.8, 0.7)


def test_a_double_click_ends_a_polygon_without_a_point_too_many(service, operator):
    token = service.ask(priors={'label_options': ['lane']})
    open_question(operator)
    operator.keyboard.press('g')
    click(operator, 0.2, 0.2)
    click(operator, 0.6, 0.2)
    operator.mouse.dblclick(*on_screen(operator, 0.4, 0.6))
    (polygon,) = submitted(service, operator, token)['annotations']
    assert len(polygon['vertices']) == 3


def test_vertices_are_added_and_removed(service, operator):
    lane = {'label': 'lane', 'type': 'polygon', 'vertices': SQUARE}
    token = service.ask(priors={'annotations': [lane]})
    open_question(operator)
    click(operator, 0.4, 0.4)
    drag(operator, (0.4, 0.2), (0.4, 0.1))
    click(operator, 0.2, 0.6)
    operator.keyboard.press('Delete')
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    operator.keyboard.press('Control+z')
    operator.keyboard.press('Control+Shift+Z')
    (changed,) = submitted(service, operator, token)['annotations']
    assert changed['original_annotation'] == lane
    first, added, *rest = changed['vertices']
    assert [first, *rest] == SQUARE[:3]
    assert_at(added, 0.4, 0.1)


def test_a_press_inside_a_big_box_moves_it_only_once_it_is_selected(service, operator):
    token = service.ask(priors={'annotations': [prior('hall', box(0.1, 0.1, 0.7, 0.7))]})
    open_question(operator)
    drag(operator, (0.3, 0.3), (0.4, 0.4))
    expect(operator.get_by_test_id('summary')).to_have_text('1 unchanged')
    expect(operator.get_by_test_id('shape')).to_have_class('shape bounding_box selected')
    drag(operator, (0.3, 0.3), (0.4, 0.4))
    (moved,) = submitted(service, operator, token)['annotations']
    assert_box(moved, 0.2, 0.2, 0.8, 0.8)


def test_a_key_goes_through_all_shapes_under_the_pointer(service, operator):
    same = box(0.2, 0.2, 0.6, 0.6)
    labels = ['behind', 'between', 'in front']
    service.ask(priors={'annotations': [prior(label, same) for label in labels]})
    open_question(operator)
    operator.mouse.move(*on_screen(operator, 0.4, 0.4))
    selection = operator.get_by_test_id('selection')
    for key, label in (('c', 'in front'), ('c', 'between'), ('c', 'behind'), ('c', 'in front'),
                       ('Shift+C', 'behind')):
        operator.keyboard.press(key)
        expect(selection).to_contain_text(label)


def test_shapes_are_hidden_while_the_key_is_held(service, operator):
    service.ask(priors={'annotations': [prior('person', box(0.2, 0.2, 0.6, 0.6))]})
    open_question(operator)
    operator.keyboard.down('h')
    expect(operator.get_by_test_id('shape')).to_be_hidden()
    expect(operator.get_by_test_id('tag')).to_be_hidden()
    operator.keyboard.up('h')
    expect(operator.get_by_test_id('shape')).to_be_visible()


def test_a_selected_box_does_not_tint_the_picture(service, operator):
    service.ask(priors={'annotations': [prior('person', box(0.2, 0.2, 0.6, 0.6))]})
    open_question(operator)
    click(operator, 0.4, 0.4)
    line = operator.locator('.shape.selected > .line')
    expect(line).to_have_css('fill-opacity', '0')


def test_the_light_of_the_picture_is_for_its_question_only(service, operator):
    for _ in range(2):
        service.ask(priors={'label_options': ['person']})
    expect(operator.get_by_test_id('question')).to_have_count(2)
    open_question(operator)
    image = operator.get_by_test_id('image')
    expect(image).to_have_css('filter', 'none')
    operator.get_by_test_id('light').click()
    operator.get_by_test_id('brightness').fill('200')
    operator.get_by_test_id('contrast').press('ArrowRight')
    expect(image).to_have_css('filter', 'brightness(2) contrast(1.1)')
    operator.get_by_test_id('light-reset').click()
    expect(image).to_have_css('filter', 'none')
    operator.get_by_test_id('contrast').fill('300')
    operator.keyboard.press('Escape')
    expect(operator.get_by_test_id('contrast')).to_be_hidden()
    expect(operator.get_by_test_id('light')).to_be_focused()
    expect(image).to_have_css('filter', 'contrast(3)')
    operator.get_by_test_id('skip').click()
    operator.get_by_test_id('skip-send').click()
    wait_until_open(operator)
    expect(image).to_have_css('filter', 'none')


def test_the_picture_is_zoomed_at_the_pointer_and_shown_pixel_by_pixel(service, operator):
    service.ask(priors={'label_options': ['person']})
    open_question(operator)
    place = on_screen(operator, 0.25, 0.75)
    operator.mouse.move(*place)
    operator.mouse.wheel(0, -600)
    image = operator.get_by_test_id('image')
    operator.wait_for_function(
        '() => document.getElementById("image").getBoundingClientRect().width > 1000')
    # A mouse is on whole pixels, and what it is off by grows with the picture.
    assert on_screen(operator, 0.25, 0.75) == pytest.approx(place, abs=2)
    operator.keyboard.press('o')
    area = image.bounding_box()
    assert (area['width'], area['height']) == pytest.approx(IMAGE_SIZE, abs=0.5)
    operator.keyboard.press('0')
    expect(image).to_be_in_viewport(ratio=1)


def test_the_picture_of_a_choice_can_be_read(service, operator, files):
    service.ask_heat('multiple-choice', choices_type='image', max_answers=1, choices=[
        f'{files}/photo.jpg', f'{files}/other.jpg'])
    open_question(operator)
    expect(operator.locator('#viewer img')).to_have_count(2)
    operator.get_by_test_id('closer').click()
    shown = operator.get_by_test_id('closer-frame').locator('img')
    expect(shown).to_be_visible()
    expect(operator.get_by_test_id('closer-before')).to_be_disabled()
    operator.keyboard.press('ArrowRight')
    expect(operator.get_by_test_id('closer-name')).to_have_text('Choice 2')
    before = shown.bounding_box()['width']
    operator.get_by_test_id('closer-frame').hover()
    operator.mouse.wheel(0, -600)
    operator.wait_for_function(
        '(before) => document.querySelector(".frame img").getBoundingClientRect().width > before',
        arg=before * 2)
    operator.keyboard.press('Escape')
    expect(operator.get_by_test_id('closer-dialog')).to_be_hidden()
    # Nothing was chosen on the way, and the keys are the question's again.
    expect(operator.get_by_role('radio', checked=True)).to_have_count(0)
    operator.keyboard.press('2')
    expect(operator.get_by_role('radio').last).to_have_attribute('aria-checked', 'true')
