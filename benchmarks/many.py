# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ten thousand questions: how long a node takes to work with as many open, and what they leave."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

from comparison import Verdict, print_verdicts
from robots import robot_with

SLOWEST_S, LARGEST_MB, LARGEST_GROWTH_MB = 3.0, 300.0, 10.0
WINDOW, SILENCE_S = 16, 2.0
BOX = (10.0, 10.0, 30.0, 20.0)


def main() -> int:
    """Measure both, print them, and return 0 if the promises held."""
    options = _parser().parse_args()
    held: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory() as place:
        if options.open:
            held |= _open(Path(place), options.open, options.domain, options.slowest)
        if options.answered:
            held |= _answered(Path(place), options.answered, options.domain)
    return print_verdicts(held)


def _open(place: Path, number: int, domain: int, slowest_s: float) -> dict[str, Verdict]:
    """Start a node on a journal full of open questions, and one on an empty journal."""
    from many_questions import Started, Tray, fill

    journal = place / 'open.db'
    robot, empty, full = robot_with(journal, domain), Tray(), Tray()
    try:
        idle = Started(robot, empty)
        idle.node.end()
        journal.unlink()
        fill(journal, number)
        busy = Started(robot, full)
        more_s, resident_mb = busy.seconds - idle.seconds, busy.most_resident_mb
        busy.node.end()
    finally:
        robot.close()
        empty.close()
        full.close()
    print(f'{number} questions open: {resident_mb:.0f} MB at most')
    print(f'  works after {busy.seconds:.1f} s, with an empty journal after {idle.seconds:.1f} s')
    return {
        f'it works {slowest_s:g} s later at most': Verdict.of(more_s <= slowest_s),
        f'it takes {LARGEST_MB:g} MB at most': Verdict.of(resident_mb <= LARGEST_MB),
    }


def _answered(place: Path, number: int, domain: int) -> dict[str, Verdict]:
    """Ask many questions, have them all answered, and watch the node's memory."""
    from person import Person
    from processes import resident
    from robot import LATCHED, RELIABLE, detection, detections, picture, raw, stamped
    from sensor_msgs.msg import Image
    from services import KillableService
    from vision_msgs.msg import Detection2DArray

    from spark_ros.msg import Resolution

    service, robot = KillableService(place / 'service'), robot_with(place / 'answered.db', domain)
    try:
        service.start()
        token = place / 'token'
        token.touch(0o600)
        token.write_text(service.key)
        node = robot.spawn(
            server__url=service.url, server__token_file=str(token), limits__open=0,
            limits__per_hour=0, front__cooldown_s=0.0,
            # Full long before the first fifth: what it may take is no part of what is measured.
            front__frames__max_mb=1.0,
        )  # fmt: skip
        answered, heard_at = 0, time.monotonic()
        over = threading.Event()

        def answer_all() -> None:
            person = Person(service)
            while not over.wait(0.01):
                for question in person.queue():
                    person.take(question['id'])
                    person.answer(question, shapes=[], response='')

        operator = threading.Thread(target=answer_all)
        operator.start()

        def count(_: Resolution) -> None:
            nonlocal answered, heard_at
            answered, heard_at = answered + 1, time.monotonic()

        robot.node.create_subscription(Resolution, '/spark/resolutions', count, LATCHED)
        camera = robot.publisher(Image, '/front/image_raw', RELIABLE)
        detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
        pixels, asked, began, resident_mb = picture(1, 64, 48), 0, time.monotonic(), {}

        def go_on() -> bool:
            nonlocal asked, heard_at
            # What is published before the node has found the publishers is heard by nobody.
            silent = time.monotonic() - heard_at > SILENCE_S
            wanted = max(answered + WINDOW, asked + WINDOW * silent)
            if silent:
                heard_at = time.monotonic()
            while asked < wanted:
                asked += 1
                header = stamped(float(asked))
                camera.publish(raw(pixels, header))
                detector.publish(detections(header, detection('cat', BOX)))
            if answered >= number // 5 and not resident_mb:
                resident_mb['a fifth'] = resident(node.process.pid) / 1e6
            return answered >= number

        try:
            robot.until(go_on, 3600.0)
        finally:
            over.set()
            operator.join()
        resident_mb['all'] = resident(node.process.pid) / 1e6
        seconds = time.monotonic() - began
        node.end()
    finally:
        robot.close()
        service.stop()
    growth_mb = resident_mb['all'] - resident_mb['a fifth']
    print(f'{number} questions answered in {seconds:.0f} s: {resident_mb["all"]:.1f} MB')
    print(f'  {growth_mb:+.1f} MB since a fifth of them')
    return {
        f'answers leave {LARGEST_GROWTH_MB:g} MB at most': Verdict.of(
            growth_mb <= LARGEST_GROWTH_MB
        )
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--open', type=int, default=10_000, help='0 leaves it out')
    parser.add_argument('--answered', type=int, default=10_000, help='0 leaves it out')
    parser.add_argument(
        '--slowest', type=float, default=SLOWEST_S,
        help='seconds by which a node with them open may begin to work later',
    )  # fmt: skip
    parser.add_argument('--domain', type=int, default=94, help='ROS domain to be alone on')
    return parser


if __name__ == '__main__':
    sys.exit(main())
