# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whether anything is lost while the node and the service are killed and the network spoils."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from robots import robot_with


def main() -> int:
    """Run it, print what became of the questions, and return 0 if nothing was lost."""
    options = _parser().parse_args()
    from chaos_run import Chaos, Outcome, Plan
    from services import KillableService

    with tempfile.TemporaryDirectory() as place:
        journal = Path(place) / 'journal.db'
        service = KillableService(Path(place) / 'service', options.backend)
        robot = robot_with(
            journal, options.domain, poll__interval_s=0.1, poll__max_interval_s=1.0
        )
        plan = Plan(
            options.questions, options.node_kills, options.service_kills, options.share,
            seed=options.seed, seconds=options.seconds,
        )  # fmt: skip
        try:
            outcome: Outcome = Chaos(robot, service, journal, plan).run()
        finally:
            service.stop()
            robot.close()
    print(f'{options.backend}: {outcome.seconds:.0f} s, seed {options.seed}')
    print(f'  the network spoiled {outcome.spoiled.total()}: {dict(outcome.spoiled)}')
    print(f'  killed: the node {options.node_kills} times, the service {options.service_kills}')
    print(f'  accepted {len(outcome.accepted)}, lost {len(outcome.lost)}')
    print(
        f'  published twice {outcome.twice.total()}, '
        f'of these unexplained {outcome.unexplained.total()}'
    )
    if outcome.lost:
        print(outcome.log)
    complete = len(outcome.accepted) >= options.questions
    return 0 if complete and not outcome.lost and not outcome.unexplained else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--questions', type=int, default=300)
    parser.add_argument('--backend', choices=('spark', 'heat'), default='spark')
    parser.add_argument('--node-kills', type=int, default=5)
    parser.add_argument('--service-kills', type=int, default=3)
    parser.add_argument('--share', type=float, default=0.12, help='of the requests spoiled')
    parser.add_argument('--seed', type=int, default=4)
    parser.add_argument('--seconds', type=float, default=600.0, help='when to give up')
    parser.add_argument('--domain', type=int, default=91, help='ROS domain to be alone on')
    return parser


if __name__ == '__main__':
    sys.exit(main())
