# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The form in which bodies are compared: the same for the same JSON, another for another."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.service.web.canonical_json import AT_ONCE, sha256_of

VALUES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def reversed_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_names(value[name]) for name in reversed(value)}
    return [reversed_names(item) for item in value] if isinstance(value, list) else value


@given(VALUES, VALUES)
def test_equal_json_has_one_form_and_other_json_another(one: Any, other: Any) -> None:
    assert sha256_of(one) == sha256_of(reversed_names(one))
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (sha256_of(one) == sha256_of(other)) is same
    assert sha256_of(one) == sha256_of(one, large=False)


@pytest.mark.parametrize('number', [AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_every_item_of_a_long_list_counts(number: int) -> None:
    long = [{'at': at} for at in range(number)]
    assert sha256_of(long) == sha256_of(long, large=False)
    others = [long[:-1], [*long, {}], [{}, *long], [*long[1:], long[0]], [long], [*long[:-1], []]]
    hashes = {sha256_of(each) for each in (long, *others)}
    assert len(hashes) == len(others) + 1


@pytest.mark.parametrize('value', ['\ud800', {'\udfff': 1}, [['\ud800']]])
def test_half_a_surrogate_pair_has_no_form(value: Any) -> None:
    with pytest.raises(UnicodeEncodeError):
        sha256_of(value)


@pytest.mark.parametrize('value', [1e400, [-1e400], {'a': {'b': 1e400}}])
def test_what_is_not_finite_has_no_form(value: Any) -> None:
    with pytest.raises(ValueError, match='not JSON compliant'):
        sha256_of(value)
