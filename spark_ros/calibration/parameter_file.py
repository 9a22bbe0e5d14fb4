# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A policy as a parameter file of the node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spark_ros.calibration.decisions import Policy


def parameter_file(
    policy: Policy, comments: Iterable[str] = (), promise: float | None = None
) -> str:
    """Return the thresholds of all cameras as YAML that ROS 2 loads.

    Args:
        policy: whose thresholds are written; its cool-downs and limits are told in a comment.
        comments: lines to begin with.
        promise: the share of errors that may go unasked, for the node to watch.
    """
    lines = [f'# {_printable(comment)}' for comment in comments]
    lines += ['/**:', '  ros__parameters:']
    if promise is not None:
        lines += ['    decisions:', f'      promise: {_decimal(promise)}']
    for name, camera in policy.cameras.items():
        rules = camera.thresholds
        lines += [
            f'    {quoted(name)}:',
            f'      # With cooldown_s: {camera.cooldown_s:g}.',
            f'      ask_below: {_decimal(rules.ask_below)}',
            *_of_labels('ask_below', rules.ask_below_of),
            f'      ignore_below: {_decimal(rules.ignore_below)}',
            *_of_labels('ignore_below', rules.ignore_below_of),
        ]
    return '\n'.join([*lines, ''])


def quoted(text: str) -> str:
    """Quote a text for YAML, whatever is in it: a label comes from a topic."""
    return '"' + ''.join(_escaped(char) for char in text) + '"'


def _of_labels(name: str, scores: Mapping[str, float]) -> list[str]:
    # Empty ones too: they overrule what the file before this one said.
    labels = ', '.join(quoted(label) for label in scores)
    numbers = ', '.join(_decimal(score) for score in scores.values())
    return [f'      {name}_labels: [{labels}]', f'      {name}_scores: [{numbers}]']


def _decimal(number: float) -> str:
    """Write a number so that it comes back the same, and is a double to ROS: with a point."""
    text = repr(float(number))
    if 'e' in text:
        text = f'{number:.330f}'.rstrip('0')
    return text + '0' if text.endswith('.') else text


def _escaped(char: str) -> str:
    if char in '"\\':
        return '\\' + char
    if char.isascii() and char.isprintable():
        return char
    return f'\\U{ord(char):08x}'


def _printable(text: str) -> str:
    return ''.join(char if char.isprintable() else ' ' for char in text)
