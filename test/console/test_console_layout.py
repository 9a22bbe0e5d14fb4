# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an operator needs is in view in windows of all sizes."""

from console_mouse import open_question
from console_service import box, prior
from playwright.sync_api import expect

SIZES = [(1360, 800), (1280, 720), (999, 700), (900, 700), (700, 700), (390, 760)]


def test_submit_and_the_image_are_in_view(service, operator):
    labels = [f'part number {n}' for n in range(40)]
    priors = {'label_options': labels, 'annotations': [prior(labels[0], box(0.1, 0.1, 0.4, 0.4))]}
    service.ask(instructions='A long instruction. ' * 20, priors=priors)
    open_question(operator)
    for width, height in SIZES:
        operator.set_viewport_size({'width': width, 'height': height})
        for name in ('submit', 'flag', 'skip', 'draw', 'log-out', 'image'):
            expect(operator.get_by_test_id(name)).to_be_in_viewport(ratio=1)
        for side, most in (('Width', width), ('Height', height)):
            assert operator.evaluate(f'document.documentElement.scroll{side}') <= most
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    expect(operator.get_by_role('navigation')).to_be_in_viewport()
