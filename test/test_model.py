# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What became of each prior: worked out from what a server says of them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_ros.geometry import Box
from spark_ros.model import (
    Annotation,
    Answer,
    Correction,
    CorrectionKind,
    State,
    box_annotation,
    corrections_from_statements,
    match_priors,
)

# A busy machine is no failure of a law.
settings.register_profile('unhurried', deadline=None)
settings.load_profile('unhurried')

MODIFIED, ADDED = CorrectionKind.MODIFIED, CorrectionKind.ADDED
CONFIRMED, REMOVED = CorrectionKind.CONFIRMED, CorrectionKind.REMOVED
UNMENTIONED = CorrectionKind.UNMENTIONED

HERE, THERE = Box(0.1, 0.1, 0.3, 0.3), Box(0.5, 0.5, 0.8, 0.8)


def kinds(corrections: tuple[Correction, ...]) -> list[CorrectionKind]:
    """Just the kinds, in order."""
    return [correction.kind for correction in corrections]


# Few labels, boxes and ids, so that equal priors are common.
some_annotations = st.builds(
    lambda label, box, name: box_annotation(label, box, id=name),
    st.sampled_from(['cat', 'dog']),
    st.sampled_from([HERE, THERE]),
    st.sampled_from(['', '', 'a', 'b', 'c']),
)


@st.composite
def statements(draw: st.DrawFn) -> tuple[list[Annotation], ...]:
    """Priors, and what a server says: of some of them, and of things it was never told of."""
    priors = draw(st.lists(some_annotations, max_size=8))
    pool = st.sampled_from(priors) | some_annotations if priors else some_annotations
    said = [draw(st.lists(pool, max_size=6)) for _ in range(3)]
    return priors, *said


@given(statements())
def test_each_prior_appears_once_and_in_order(case: tuple[list[Annotation], ...]) -> None:
    """Whatever a server says, no prior is lost, doubled or moved."""
    priors, originals, confirmed, removed = case
    changed = [(original, replace(original, label='bird')) for original in originals]
    corrections = corrections_from_statements(priors, changed, confirmed, removed)
    of_priors, rest = corrections[: len(priors)], corrections[len(priors) :]
    assert all(c.original is prior for c, prior in zip(of_priors, priors, strict=True))
    assert all(c.kind is ADDED and c.original is None for c in rest)
    assert kinds(corrections).count(MODIFIED) + len(rest) == len(changed)
    for correction in of_priors:
        if correction.kind in (CONFIRMED, UNMENTIONED):
            assert correction.corrected is correction.original
        else:
            assert (correction.corrected is None) == (correction.kind is REMOVED)


@given(st.lists(some_annotations, max_size=8))
def test_what_is_not_mentioned_stands(priors: list[Annotation]) -> None:
    """A closed engagement without a word leaves every prior as it was."""
    corrections = corrections_from_statements(priors, [])
    assert kinds(corrections) == [UNMENTIONED] * len(priors)
    assert Answer(State.CLOSED, corrections=corrections).annotations == tuple(priors)


@given(st.lists(some_annotations, max_size=8), st.randoms(use_true_random=False))
def test_equal_priors_are_matched_one_each(priors: list[Annotation], random: object) -> None:
    """As many statements as priors, in whatever order: each prior is meant once."""
    said = list(priors)
    random.shuffle(said)  # type: ignore[attr-defined]
    matches = match_priors(priors, said)
    assert sorted(index for index in matches if index is not None) == list(range(len(priors)))
    for statement, index in zip(said, matches, strict=True):
        assert index is not None
        assert priors[index].id == statement.id or not statement.id


def test_two_of_three_equal_priors() -> None:
    """Two statements about three equal priors take the first two."""
    prior = box_annotation('cat', HERE)
    corrections = corrections_from_statements([prior] * 3, [], [prior], [prior])
    assert kinds(corrections) == [CONFIRMED, REMOVED, UNMENTIONED]


def test_an_id_wins_over_a_shape() -> None:
    """The shape is the first prior's, the id the second's: the second is meant."""
    priors = [box_annotation('cat', HERE, id='a'), box_annotation('dog', THERE, id='b')]
    said = box_annotation('cat', HERE, id='b')
    assert kinds(corrections_from_statements(priors, [], [said])) == [UNMENTIONED, CONFIRMED]


def test_a_shape_does_not_take_what_a_later_id_means() -> None:
    """The order of statements does not matter where ids tell."""
    priors = [box_annotation('cat', HERE, id='a'), box_annotation('cat', HERE, id='b')]
    nameless, named = box_annotation('cat', HERE), box_annotation('cat', HERE, id='a')
    bird = box_annotation('bird', THERE)
    corrections = corrections_from_statements(priors, [(nameless, bird)], [named])
    assert kinds(corrections) == [CONFIRMED, MODIFIED]


def test_an_id_said_twice_does_not_reach_its_twin() -> None:
    """A prior that was split in two: one modified, one added, its equal neighbour untouched."""
    priors = [box_annotation('cat', HERE, id='a'), box_annotation('cat', HERE, id='b')]
    halves = [box_annotation('cat', THERE), box_annotation('dog', THERE)]
    corrections = corrections_from_statements(priors, [(priors[0], half) for half in halves])
    assert kinds(corrections) == [MODIFIED, UNMENTIONED, ADDED]


def test_without_ids_the_shape_tells() -> None:
    """A server that drops metadata, and writes its numbers with fewer digits."""
    priors = [box_annotation('cat', HERE, id='a', score=0.4), box_annotation('dog', THERE)]
    said = box_annotation('cat', Box(*(value + 1e-10 for value in HERE)))
    moved = box_annotation('cat', THERE)
    (first, second) = corrections_from_statements(priors, [(said, moved)])
    assert (first.kind, first.original) == (MODIFIED, priors[0])
    assert first.corrected is not None and first.corrected.id == 'a'
    assert second.kind is UNMENTIONED


def test_a_shape_that_is_too_far_is_an_addition() -> None:
    """Nothing is guessed: an original that we never sent was not a prior of ours."""
    prior = box_annotation('cat', HERE)
    said = box_annotation('cat', Box(0.1, 0.1, 0.3, 0.301))
    corrections = corrections_from_statements([prior], [(said, prior), (None, prior)])
    assert kinds(corrections) == [UNMENTIONED, ADDED, ADDED]


@pytest.mark.parametrize('with_ids', [True, False])
def test_ten_thousand_priors_in_a_moment(with_ids: bool) -> None:
    """An answer about a crowd does not hold up the robot."""
    priors = [
        box_annotation('', Box(n / 20_000, 0.1, 0.9, 0.9), id=str(n) if with_ids else '')
        for n in range(10_000)
    ]
    start = time.process_time()
    corrections = corrections_from_statements(priors, [], list(reversed(priors)))
    assert time.process_time() - start < 5.0
    assert set(kinds(corrections)) == {CONFIRMED}


def test_states_that_end() -> None:
    """Only what is still under way is not terminal."""
    under_way = {State.QUEUED, State.OPEN, State.ASSIGNED}
    assert {state for state in State if not state.terminal} == under_way
