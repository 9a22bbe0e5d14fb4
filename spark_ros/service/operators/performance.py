# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How fast and how well each operator answers, and whose answers stand out. Pure.

Two things say how well. *Accuracy* is the share of known answers that an operator gave.
*Agreement* is the share of questions that two operators answered and on which they agree; that
they do not says nothing of who is wrong, so that it counts for both.

An operator stands out whose share is lower than that of the others by Fisher's exact test. As
every operator is looked at, and twice, each test is made at `LEVEL` divided by the number of tests
(Bonferroni): if all were equally accurate, the chance that the accuracy of anybody would stand out
is at most `LEVEL`. Nobody is judged by fewer than `FEWEST` answers.

The others' agreement is that of the pairs without this operator. It is high if the operator is the
careless one, and low if it is one of those whom they disagree with. Then that one stands out
first, and the pairs with that one count for nobody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spark_ros.service.operators.agreement import disagree
from spark_ros.service.operators.proportions import Median, Share, fisher_less, median
from spark_ros.service.storage.checks import KNOWN
from spark_ros.service.storage.statistics import Answered, Checked

LEVEL = 0.05
FEWEST = 10
ACCURACY, AGREEMENT = 'accuracy', 'agreement'

# Who answered, both of them, and whether they agreed.
Pair = tuple[str, str, bool]


@dataclass(frozen=True)
class Performance:
    """What one operator did.

    Attributes:
        answered, flagged, skipped: how many questions, of one or several images each.
        working: from the claim to the answer, in seconds, without what was flagged.
        accuracy: how many known answers were given, of those asked about.
        agreement: how many second opinions agreed, of those that this operator had or got.
        stands_out: by what: `accuracy`, else `agreement`, or nothing.
    """

    operator: str
    answered: int
    flagged: int
    skipped: int
    working: Median
    accuracy: Share
    agreement: Share
    stands_out: str = ''

    def as_json(self, name: str) -> dict[str, Any]:
        """Write it for the page and the command; `name` is what the operator is called there."""
        working = self.working
        return {
            'operator': name,
            'answered': self.answered,
            'flagged': self.flagged,
            'skipped': self.skipped,
            'working': {'p50': working.value, 'low': working.low, 'high': working.high},
            'accuracy': _share_json(self.accuracy),
            'agreement': _share_json(self.agreement),
            'stands_out': self.stands_out or None,
        }


@dataclass
class _Counts:
    answered: int = 0
    flagged: int = 0
    skipped: int = 0
    working: list[float] = field(default_factory=list)


def performances(
    answered: Iterable[Answered],
    checked: Iterable[Checked],
    skipped: Iterable[tuple[str, str | None, int]],
) -> list[Performance]:
    """Say what each operator did; those who stand out come first, then by accuracy.

    Args:
        answered, checked: as `storage.statistics` reads them.
        skipped: operator, program and how often.
    """
    by: dict[str, _Counts] = defaultdict(_Counts)
    for one in answered:
        counts = by[one.operator]
        if one.flagged:
            counts.flagged += 1
        else:
            counts.answered += 1
            counts.working.append(one.working_s)
    for operator, _, count in skipped:
        by[operator].skipped += count
    known: dict[str, list[bool]] = defaultdict(list)
    pairs: list[Pair] = []
    for each in checked:
        agreed = not disagree(each.agreement)
        if each.kind == KNOWN:
            known[each.operator].append(agreed)
        else:
            pairs.append((each.first, each.operator, agreed))
    accuracy = {operator: Share(sum(right), len(right)) for operator, right in known.items()}
    agreement = _agreement(pairs)
    tested = [*accuracy.values(), *agreement.values()]
    level = LEVEL / max(1, sum(each.of >= FEWEST for each in tested))
    count = sum(each.count for each in accuracy.values())
    everybody = Share(count, sum(each.of for each in accuracy.values()))
    inaccurate = {
        operator for operator, p in _tests(accuracy, everybody).items() if p <= level
    }
    stands_out = {
        **dict.fromkeys(_apart(pairs, inaccurate, level), AGREEMENT),
        **dict.fromkeys(inaccurate, ACCURACY),
    }
    found = [
        Performance(
            operator, by[operator].answered, by[operator].flagged, by[operator].skipped,
            median(by[operator].working), accuracy.get(operator, Share()),
            agreement.get(operator, Share()), stands_out.get(operator, ''),
        )
        for operator in {*by, *accuracy, *agreement}
    ]  # fmt: skip
    return sorted(found, key=_order)


def _order(one: Performance) -> tuple[bool, float, float, int, str]:
    return (
        not one.stands_out, _or_1(one.accuracy), _or_1(one.agreement), -one.answered, one.operator,
    )  # fmt: skip


def _share_json(share: Share) -> dict[str, Any]:
    low, high = share.interval()
    return {'count': share.count, 'of': share.of, 'low': low, 'high': high}


def _or_1(share: Share) -> float:
    return 1.0 if share.share is None else share.share


def _apart(pairs: Sequence[Pair], inaccurate: Iterable[str], level: float) -> set[str]:
    """Find who agrees with the others less than these with one another, the clearest first."""
    found: set[str] = set()
    gone = set(inaccurate)
    while True:
        left = [pair for pair in pairs if not gone.intersection(pair[:2])]
        everybody = Share(sum(pair[2] for pair in left), len(left))
        tests = _tests(_agreement(left), everybody)
        p, worst = min(((p, operator) for operator, p in tests.items()), default=(1.0, ''))
        if p > level:
            return found
        found.add(worst)
        gone.add(worst)


def _agreement(pairs: Iterable[Pair]) -> dict[str, Share]:
    """Return how many of the pairs with each operator agreed."""
    agreed: dict[str, list[bool]] = defaultdict(list)
    for first, second, each in pairs:
        for operator in (first, second):
            agreed[operator].append(each)
    return {operator: Share(sum(of), len(of)) for operator, of in agreed.items()}


def _tests(shares: Mapping[str, Share], everybody: Share) -> dict[str, float]:
    """Compare each operator's share with that of all that is not theirs: p-values."""
    return {
        operator: fisher_less(
            share, Share(everybody.count - share.count, everybody.of - share.of)
        )
        for operator, share in shares.items()
        if share.of >= FEWEST
    }
