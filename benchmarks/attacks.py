# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What attackers can do to a bystander of the service, and what they can make it take.

    python benchmarks/attacks.py [--only images,headers] [--seconds 15]

For each attack a service of its own runs on loopback; a bystander, with a key of its own, asks a
question twenty times a second, first alone and then under the attack. The promise: the bystander's
99th percentile stays within five times its own, or 250 ms; the service's process within 300 MB;
and it decodes in at most two processes of at most 700 MB each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

import attackers
import httpx
from victim import MEBIBYTE, Victim, running_victim
from webhook_hosts import delay_s

RESULT = Path(__file__).resolve().parent.parent / 'build' / 'benchmarks' / 'attacks.json'
ASKED_PER_S = 20
ALONE_S = 4.0
TIMEOUT_S = 40.0
# Fewer than the share of one caller (`ConnectionLimits`), however slow the machine is.
CONNECTIONS = 24
FACTOR, LEAST_MS, MAIN_MB, DECODERS, DECODER_MB = 5, 250.0, 300.0, 2, 700.0
PUSH_S = 2.0


@dataclass(frozen=True)
class Result:
    """What one attack did.

    Attributes:
        alone_ms, attacked_ms: the bystander's 99th percentile.
        failed: the bystander's questions that were not answered with 200.
        main_mb: the largest resident size of the service's process.
        decoders: how many other processes it had at most, and the largest of them.
        push_s: how late a bystander's webhook came, for attacks on webhooks.
    """

    attack: str
    alone_ms: float
    attacked_ms: float
    failed: int
    main_mb: float
    decoders: int
    decoder_mb: float
    push_s: float | None = None

    def held(self) -> bool:
        """Whether the promise held."""
        return (
            self.attacked_ms <= max(FACTOR * self.alone_ms, LEAST_MS)
            and not self.failed
            and self.main_mb <= MAIN_MB
            and self.decoders <= DECODERS
            and self.decoder_mb <= DECODER_MB
            and (self.push_s is None or self.push_s <= PUSH_S)
        )


def main() -> int:
    """Attack, print the table, and return 0 if the promise held against every attack."""
    options = _parser().parse_args()
    names = options.only.split(',') if options.only else list(attackers.ATTACKS)
    results = []
    print(f'{"attack":12}{"alone p99":>12}{"attacked p99":>14}{"failed":>8}{"main":>9}'
          f'{"decoders":>14}{"push late":>11}')
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            result = asyncio.run(_measure(name, Path(folder), options))
        results.append(result)
        push = '' if result.push_s is None else f'{result.push_s:.1f} s'
        print(f'{name:12}{result.alone_ms:9.0f} ms{result.attacked_ms:11.0f} ms'
              f'{result.failed:8}{result.main_mb:6.0f} MB'
              f'{f"{result.decoders} x {result.decoder_mb:.0f} MB":>14}{push:>11}'
              f'  {"held" if result.held() else "NOT HELD"}', flush=True)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + '\n')
    return 0 if all(result.held() for result in results) else 1


async def _measure(name: str, folder: Path, options: argparse.Namespace) -> Result:
    attack = attackers.ATTACKS[name]
    with running_victim(folder, options.service.split(), attack.open_files) as victim:
        # The first ones fill pools and caches.
        await _bystand(victim, 1.0)
        alone, failed_alone = await _bystand(victim, ALONE_S)
        assert not failed_alone, 'the service does not answer even without an attack'
        attacker = await asyncio.to_thread(_start_attacker, name, victim)
        sampling = asyncio.create_task(victim.sample())
        try:
            push_s = None
            if attack.on_webhooks:
                (attacked, failed), push_s = await asyncio.gather(
                    _bystand(victim, options.seconds), delay_s(victim, TIMEOUT_S)
                )
            else:
                attacked, failed = await _bystand(victim, options.seconds)
        finally:
            attacker.kill()
            attacker.wait()
            sampling.cancel()
        return Result(
            name, _p99(alone), _p99(attacked), failed, victim.main / MEBIBYTE,
            victim.children, victim.child / MEBIBYTE, push_s,
        )


async def _bystand(victim: Victim, seconds: float) -> tuple[list[float], int]:
    """Ask at a steady rate; return how many milliseconds each took, and how many failed."""
    taken: list[float] = []
    failed = 0

    async def ask(http: httpx.AsyncClient) -> None:
        nonlocal failed
        begun = time.perf_counter()
        try:
            answer = await http.post('/v1/engagement', json=attackers.QUESTION)
            failed += answer.status_code != 200
        except httpx.HTTPError:
            failed += 1
        taken.append((time.perf_counter() - begun) * 1000)

    headers = {'Authorization': f'Bearer {victim.bystander}'}
    async with httpx.AsyncClient(
        base_url=victim.url, headers=headers, timeout=TIMEOUT_S, trust_env=False,
        limits=httpx.Limits(max_connections=CONNECTIONS),
    ) as http:
        asking, begun = [], time.perf_counter()
        for number in range(int(seconds * ASKED_PER_S)):
            await asyncio.sleep(max(0.0, begun + number / ASKED_PER_S - time.perf_counter()))
            asking.append(asyncio.create_task(ask(http)))
        await asyncio.gather(*asking)
    return taken, failed


def _start_attacker(name: str, victim: Victim) -> subprocess.Popen[str]:
    """Start the attack in a process of its own; return once it has begun."""
    process = subprocess.Popen(
        [sys.executable, attackers.__file__, name, victim.url],
        env={**os.environ, 'ATTACKER_KEY': victim.attacker},
        stdout=subprocess.PIPE, text=True,
    )
    assert process.stdout is not None
    begun = process.stdout.readline()
    assert begun == 'begun\n', f'the attacker {name} ended with {process.wait()}'
    return process


def _p99(milliseconds: list[float]) -> float:
    return quantiles(milliseconds, n=100, method='inclusive')[98]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--only', help=f'some of {",".join(attackers.ATTACKS)}')
    parser.add_argument('--seconds', type=float, default=15.0, help='for each attack')
    parser.add_argument(
        '--service', default=f'{sys.executable} -m spark_ros.cli.service',
        help='the command of the service to attack (default: this one)',
    )
    parser.add_argument('--json', type=Path, default=RESULT, help='default: %(default)s')
    return parser


if __name__ == '__main__':
    sys.exit(main())
