# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is counted and who gives way is known at once, however many questions are open."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.questions import WAITING, Question, Questions
from spark_ros.model import State

states = st.sampled_from([State.QUEUED, State.OPEN, State.ASSIGNED, State.EXPIRED])
certainties = st.sampled_from([0.1, 0.2, 0.3])
priorities = st.integers(0, 2)
ids = st.integers(0, 5).map(str)
changes = st.one_of(
    st.tuples(st.just('take'), ids, st.tuples(priorities, certainties, states, st.booleans())),
    st.tuples(st.just('forget'), ids, st.none()),
    st.tuples(st.just('opened'), ids, st.none()),
    st.tuples(st.just('state'), ids, states),
    st.tuples(st.just('sending'), ids, st.booleans()),
    st.tuples(st.just('may_be_open'), ids, st.booleans()),
)


def change(questions: Questions, what: str, id: str, value: Any) -> None:
    """Do one thing to one question."""
    known = questions.get(id)
    if what == 'take':
        if known is None:
            priority, certainty, state, may_be_open = value
            questions.take(Entry(id, priority, certainty, 1.0, 0.0, state, may_be_open, '', ''))
    elif what == 'forget':
        questions.remove(id)
        if known is not None:
            questions.update(known, state=State.QUEUED)
    elif known is not None and what == 'opened':
        questions.opened(known, f'token of {id}')
    elif known is not None:
        questions.update(known, **{what: value})


@given(st.lists(changes, max_size=30), priorities, certainties)
def test_they_are_those_that_a_search_finds(
    given: list[tuple[str, str, Any]], priority: int, certainty: float
) -> None:
    questions = Questions()
    for what, id, value in given:
        change(questions, what, id, value)
    known = [question for n in range(6) if (question := questions.get(str(n)))]
    assert questions.waiting() == sum(question.state in WAITING for question in known)

    def order(question: Question) -> tuple[int, float]:
        return -question.entry.priority, question.entry.certainty

    over = [q for q in known if q.unsent and order(q) > (-priority, certainty)]
    found = questions.most_certain_unsent(certainty, priority)
    assert (found is None) is (not over)
    if found is not None:
        assert found in over and order(found) == max(map(order, over))
