# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever a robot sends is shown as the characters it is, and never runs."""

import pytest
from console_mouse import open_question
from console_service import box, prior
from playwright.sync_api import expect

MARKUP = '<img src=x onerror="window.owned=1;alert(1)"></script><script>window.owned=1</script>'
SCRIPT_URL = 'javascript:window.owned=1'
BACKWARDS = 'abc\u202edef\u202c العربية'
LONG = 'W' * 5000

slow = pytest.mark.slow('a page in a browser for each text')
pytestmark = pytest.mark.parametrize('text', [
    pytest.param(MARKUP, id='markup'),
    pytest.param(SCRIPT_URL, id='script url', marks=slow),
    pytest.param(BACKWARDS, id='backwards', marks=slow),
    pytest.param(LONG, id='long', marks=slow),
    pytest.param("'\"`;${1}{{1}}</textarea></style>", id='quotes'),
])  # fmt: skip


def test_hostile_text_is_shown_and_does_not_run(service, operator, text):
    label = text[:500]
    service.ask(
        instructions=f'Look: {text}',
        program_name=text[:500],
        metadata={text[:200]: text, 'plain': 'value'},
        webhook_url='https://192.0.2.1/hook?x=%3Cscript%3E',
        priors={
            'label_options': [label, 'person'],
            'annotations': [prior(label, box(0.1, 0.1, 0.5, 0.5), metadata={'score': text})],
        },
    )
    open_question(operator)
    click_tab(operator)
    expect(operator.get_by_test_id('instructions')).to_have_text(f'Look: {text}')
    expect(operator.get_by_test_id('program')).to_have_text(text[:500])
    expect(operator.get_by_test_id('metadata')).to_contain_text(text)
    expect(operator.get_by_test_id('selection')).to_contain_text(label)
    expect(operator.get_by_test_id('label').first).to_contain_text(label[:79])
    expect(operator.get_by_test_id('tag')).to_contain_text(label[:59])
    expect(operator.get_by_test_id('webhook')).to_have_text(
        'https://192.0.2.1/hook?x=%3Cscript%3E')

    row = operator.get_by_test_id('prior')
    expect(row).to_contain_text(label[:79])
    operator.keyboard.press('x')
    expect(operator.get_by_test_id('ghost')).to_have_count(1)
    row.click()
    expect(operator.get_by_test_id('selection')).to_contain_text(label)
    expect(operator.get_by_test_id('accept')).to_be_in_viewport(ratio=1)

    assert operator.evaluate('window.owned') is None
    addresses = operator.eval_on_selector_all(
        '[src], [href]', 'all => all.map(each => each.src || each.href || "")')
    assert not [address for address in addresses if address.startswith('javascript:')]
    # The page stays as wide as the window, and the way out stays in view.
    assert operator.evaluate('document.documentElement.scrollWidth') <= 1280
    expect(operator.get_by_test_id('submit')).to_be_in_viewport(ratio=1)
    expect(operator.get_by_test_id('image')).to_be_in_viewport(ratio=1)


def click_tab(page):
    page.keyboard.press('Tab')
