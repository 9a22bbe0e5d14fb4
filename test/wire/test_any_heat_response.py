# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever is answered to a Heat request is an answer or refused, and the same when sent on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_heat_responses import (
    KINDS,
    RECTANGLE,
    SIZE,
    URL,
    asked,
    asked_per_annotation,
    media,
    same,
)

from spark_ros.wire.heat import HeatRequest, Scale
from spark_ros.wire.heat_response import check_response, grid_value
from spark_ros.wire.values import WireError


@given(
    st.integers(-1000, 1000), st.integers(1, 400), st.sampled_from([1, 10, 100, 1000]),
    st.integers(1, 5000), st.data(),
)  # fmt: skip
def test_every_step_of_a_decimal_scale(
    low: int, step: int, unit: int, count: int, data: st.DataObject
) -> None:
    """However a form reaches a step, it is on the grid and comes out as the decimal it means."""
    scale = Scale(low / unit, (low + count * step) / unit, step / unit)
    k = data.draw(st.integers(0, count))
    wanted = (low + k * step) / unit
    for value in (wanted, scale.low + k * scale.step, scale.high - (count - k) * scale.step):
        assert grid_value(value, scale) == wanted
    assert grid_value(wanted + scale.step / 2, scale) is None
    assert grid_value(scale.high + scale.step, scale) is None
    assert grid_value(scale.low - scale.step, scale) is None


answers = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
        st.sampled_from(['a', 'b', URL, '7', 10**400]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(['x', 'y', 'x2', 'y2', 't', 'start', 'end', 'attachment_index',
                             'response']),
            inner | st.floats(0, 9) | st.integers(0, 3),
        )
    ),
    max_leaves=12,
)  # fmt: skip
every_request = st.sampled_from(
    [
        *(asked(type) for type in ('multiple-choice', 'free-text', 'rating', 'image')),
        asked('free-text', validation='number'), asked('free-text', validation='url'),
        *(media(kind, min_annotations=0) for kind in ('text', 'video', 'audio', 'website')),
        asked('annotations', **RECTANGLE, attachments=[URL, URL], min_annotations=0),
        *(asked_per_annotation(kind) for kind in KINDS),
    ]
)  # fmt: skip


@given(every_request, answers | st.lists(answers, max_size=3))
def test_checking_gives_an_answer_or_a_wire_error(request: HeatRequest, value: Any) -> None:
    """Nothing else, and what is good once stays good and the same."""
    try:
        found = check_response(request, value, [SIZE])
    except WireError as error:
        assert str(error)
        return
    sent = json.loads(json.dumps(found, allow_nan=False))
    assert same(check_response(request, sent, [SIZE]), found)
