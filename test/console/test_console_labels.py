# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Labels have colours that stay, and those given last are found first."""

import pytest
from console_mouse import click, open_question, wait_until_open
from console_service import box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('a browser with many labels')

SURFACES = {'#ffffff': 3, '#161b22': 3, '#0a0f15': 4.5}


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def colour_of(page, label):
    button = page.get_by_test_id('label').filter(has_text=label)
    return button.evaluate('each => each.style.getPropertyValue("--label")')


def test_a_label_has_the_same_colour_in_every_question(service, operator):
    service.ask(priors={'label_options': ['person', 'vehicle', 'animal']})
    service.ask(priors={'label_options': ['animal', 'tree', 'vehicle', 'crate', 'person']})
    open_question(operator)
    names = ('person', 'vehicle', 'animal')
    first = [colour_of(operator, name) for name in names]
    assert len(set(first)) == 3
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    wait_until_open(operator)
    expect(operator.get_by_test_id('label')).to_have_count(5)
    assert [colour_of(operator, name) for name in names] == first


def test_every_colour_is_seen_in_light_and_dark_and_under_a_tag(operator):
    colours = operator.evaluate("import('/console/colours.js').then(({ COLOURS }) => COLOURS)")
    assert len(set(colours)) >= 12
    for colour in colours:
        for surface, least in SURFACES.items():
            assert contrast(colour, surface) >= least, (colour, surface)


def test_labels_are_spread_over_all_colours(operator):
    counts = operator.evaluate("""async () => {
      const { COLOURS, colourOf } = await import('/console/colours.js');
      const counts = Object.fromEntries(COLOURS.map((colour) => [colour, 0]));
      for (let n = 0; n < 1600; n += 1) counts[colourOf(`part ${n}`)] += 1;
      return Object.values(counts);
    }""")
    assert min(counts) > 50 and max(counts) < 200


def test_the_label_given_last_comes_first_in_the_next_question(service, operator):
    labels = [f'part {n}' for n in range(1, 41)]
    asked = {'label_options': labels, 'annotations': [prior('part 1', box(0.1, 0.1, 0.3, 0.4))]}
    token, other = service.ask(priors=asked), service.ask(priors=asked)
    open_question(operator)
    click(operator, 0.2, 0.2)
    for typed in ('33', '27'):
        operator.keyboard.press('l')
        operator.keyboard.type(typed)
        operator.keyboard.press('Enter')
    operator.keyboard.press('Enter')
    wait_until_open(operator)
    click(operator, 0.2, 0.2)
    operator.keyboard.press('l')
    shown = operator.get_by_test_id('label')
    expect(shown.nth(0)).to_contain_text('part 27')
    expect(shown.nth(1)).to_contain_text('part 33')
    # Nothing is given by Enter alone; the arrows choose.
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_have_text('1 unchanged')
    operator.keyboard.press('l')
    for key in ('ArrowDown', 'ArrowDown', 'ArrowUp', 'ArrowDown', 'Enter'):
        operator.keyboard.press(key)
    # In their own order again, with the digits that they have.
    expect(shown.nth(0)).to_have_text('part 11')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    for each, label in ((token, 'part 27'), (other, 'part 33')):
        assert [shape['label'] for shape in service.engagement(each)['annotations']] == [label]
