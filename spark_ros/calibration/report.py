# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a calibration found: in words, as plain values, and as a page with plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from spark_ros.calibration.calibrate import Calibration, mean_share, questions_per_100
from spark_ros.calibration.decisions import Policy
from spark_ros.calibration.plot import STYLE, Series, plot

PAGE_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em;
  color: #1c2128; background: #fff; }
table { border-collapse: collapse; } td, th { padding: .2em .8em; text-align: left;
  border-bottom: 1px solid #8886; } td.n, th.n { text-align: right; }
svg { width: 100%; height: auto; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } }
"""


def promise_words(done: Calibration) -> str:
    """Say what is promised, as a sentence."""
    promise = done.promise
    of = "a drive's errors go" if promise.cap is None else 'all errors go'
    words = f'on average at most {promise.alpha:.4g} of {of} unasked'
    if promise.delta is not None:
        words = f'with probability {1 - promise.delta:.4g}, {words}'
    return words


def outcome_words(done: Calibration) -> list[str]:
    """Say what came of it, in a few sentences."""
    drives, n = done.drives, len(done.drives)
    audits = sum(drive.audits for drive in drives)
    answered = sum(len(drive.errors) for drive in drives)
    errors = sum(len(each) for drive in drives for each in drive.errors.values())
    lines = [f'{n} drives count, with {errors} errors on {answered} audited frames.']
    if done.set_aside:
        lines.append(f'{done.set_aside} more were set aside to learn the thresholds of labels.')
    lines += [f'{count} drives do not count: {why}.' for why, count in done.left_out.items()]
    if answered < audits:
        lines.append(
            f'{audits - answered} of {audits} audits were not answered; the promise is about '
            'frames like those that were.'
        )
    if done.index is not None:
        lines.append(f'Promised: {promise_words(done)}.')
        lines.append(
            f'That takes {questions_per_100(done.replays)[done.index]:.2f} questions per 100 '
            f'frames; the present thresholds take {questions_per_100(done.present)[0]:.2f} and '
            f'leave {_shares(done, present=True)[0]:.4f} unasked.'
        )
    else:
        lines.append(f'Not possible: {promise_words(done)}.')
        lines.append(_why_not(done))
        if done.possible < 1.0:
            lines.append(f'With these drives, {done.possible:.4g} can be promised now.')
    return lines


def _why_not(done: Calibration) -> str:
    left = _shares(done)[-1]
    if done.more_drives is None:
        return (
            f'With ask_below at 1, {left:.4f} of the errors still go unasked: missed objects, '
            'scores under ignore_below, and what the limits keep away. No number of drives '
            'changes that; a lower ignore_below, higher limits or a better detector may.'
        )
    return f'{done.more_drives} more drives like these are needed.'


def as_plain(done: Calibration, seed: int) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        'promise': {
            'alpha': done.promise.alpha, 'delta': done.promise.delta, 'cap': done.promise.cap,
            'method': _method(done), 'cameras_and_labels': 'fixed sequence of whole policies',
        },
        'kept': done.index is not None,
        'possible_alpha': done.possible,
        'more_drives': done.more_drives,
        'drives': [
            {
                'id': drive.id, 'audits': drive.audits, 'answered': len(drive.errors),
                'errors': sum(map(len, drive.errors.values())), 'frames': len(drive.frames),
                'unasked_share': (
                    None if done.index is None else float(done.replays.shares[row, done.index])
                ),
            }
            for row, drive in enumerate(done.drives)
        ],
        'left_out': done.left_out,
        'set_aside': done.set_aside,
        'seed': seed,
        'path': [
            {'step': step, 'questions_per_100_frames': float(asked), 'unasked_share': float(share)}
            for step, (asked, share) in enumerate(
                zip(questions_per_100(done.replays), _shares(done), strict=True)
            )
        ],
        'present': {
            'questions_per_100_frames': float(questions_per_100(done.present)[0]),
            'unasked_share': float(_shares(done, present=True)[0]),
        },
        'chosen_step': done.index,
        'thresholds': None if done.policy is None else _thresholds(done.policy),
    }  # fmt: skip


def as_html(done: Calibration) -> str:
    """Return the report as one page, which loads and runs nothing."""
    asked, shares = questions_per_100(done.replays), _shares(done)
    steps = [step / (len(shares) - 1) for step in range(len(shares))]
    alpha, here = done.promise.alpha, done.index
    present = (float(questions_per_100(done.present)[0]), float(_shares(done, present=True)[0]))
    last = done.replays.shares[:, here if here is not None else -1]
    body = [
        '<h1>Asking less: the calibration</h1>',
        *(f'<p>{escape(line)}</p>' for line in outcome_words(done)),
        f'<p>Method: {_method(done)}. All cameras and labels move together along one path of '
        'policies, which are tested as a fixed sequence from the one that asks most on: one '
        'promise for the whole drive, nothing is split.</p>',
        '<h2>Share of errors that go unasked, along the path</h2>',
        plot(
            Series(list(zip(steps, map(float, shares), strict=True))), 'step of the path',
            'unasked', promise=alpha,
            chosen=None if here is None else (steps[here], float(shares[here])),
        ),
        '<h2>The price: questions per 100 frames against errors unasked</h2>',
        plot(
            Series(list(zip(map(float, asked), map(float, shares), strict=True))),
            'questions per 100 frames', 'unasked', promise=alpha, present=present,
            chosen=None if here is None else (float(asked[here]), float(shares[here])),
        ),
        '<p>Filled: chosen. Ring: the present thresholds. Dashed: what is promised.</p>',
        '<h2>Each drive</h2>',
        plot(
            Series(
                [(float(n), float(share)) for n, share in enumerate(sorted(last), 1)], dots=True
            ),
            'drives, the best first', 'unasked', promise=alpha,
        ),
        *_tables(done),
        f'<p>The worst of {len(done.drives)} drives leaves {float(last.max()):.3f} of its errors '
        'unasked: an average is promised, not each drive.</p>',
    ]  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark"><title>Calibration</title>'
        f'<style>{PAGE_STYLE}{STYLE}</style></head><body>\n' + '\n'.join(body)
        + '\n</body></html>\n'
    )


def _tables(done: Calibration) -> list[str]:
    kinds = Counter(
        (drive.frames[index].camera, error.label, error.kind.value)
        for drive in done.drives for index, errors in drive.errors.items() for error in errors
    )  # fmt: skip
    rows = [[*key, str(count)] for key, count in kinds.most_common()]
    found = _table(['camera', 'label', 'error', 'audited'], rows)
    made = ['<h2>What was wrong</h2>', found]
    if done.policy is not None:
        scores = [
            [camera, label or ('all others' if rules['ask_below_of'] else 'all'), f'{ask:.4g}']
            for camera, rules in _thresholds(done.policy).items()
            for label, ask in {'': rules['ask_below'], **rules['ask_below_of']}.items()
        ]
        made += ['<h2>Thresholds</h2>', _table(['camera', 'label', 'ask_below'], scores)]
    return made


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        *texts, number = cells
        return (
            '<tr>' + ''.join(f'<{tag}><bdi>{escape(text)}</bdi></{tag}>' for text in texts)
            + f'<{tag} class="n">{escape(number)}</{tag}></tr>'
        )  # fmt: skip

    body = ''.join(line(row, 'td') for row in rows)
    return f'<table><thead>{line(heads, "th")}</thead><tbody>{body}</tbody></table>'


def _method(done: Calibration) -> str:
    if done.promise.delta is None:
        return 'conformal risk control'
    test = 'Hoeffding and Bentkus' if done.promise.cap is None else 'betting'
    return f'learn then test, by {test}'


def _shares(done: Calibration, present: bool = False) -> Any:
    replays = done.present if present else done.replays
    return mean_share(replays, weighted=done.promise.cap is not None)


def _thresholds(policy: Policy) -> dict[str, Any]:
    return {
        name: {
            'ask_below': camera.thresholds.ask_below,
            'ask_below_of': dict(camera.thresholds.ask_below_of),
        }
        for name, camera in policy.cameras.items()
    }
