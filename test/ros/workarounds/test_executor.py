# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node's executor: messages at any rate keep nothing else waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.executors import ShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import UInt32
from std_srvs.srv import Trigger

from spark_ros.ros.inbox import Inbox
from spark_ros.ros.workarounds.executor import MessageExecutor


class Busy(Node):
    """Takes a topic, and has everything else that a node may have."""

    def __init__(self, context: Context) -> None:
        super().__init__('busy', context=context)
        self.messages = self.ticks = self.calls = self.posts = 0
        self.inbox = Inbox(self)
        self.create_subscription(UInt32, 'flood', self.take, 100)
        self.create_service(Trigger, 'call', self.serve)
        self.create_timer(0.01, self.tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def take(self, message: UInt32) -> None:
        if message.data == 0:
            raise ValueError('a message that the callback does not survive')
        self.messages += 1

    def serve(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.calls += 1
        return response

    def tick(self) -> None:
        self.ticks += 1

    def post(self) -> None:
        self.posts += 1


class Spinning:
    """The node on its executor in a thread, and another node to talk to it."""

    def __init__(self) -> None:
        self.context = Context()
        rclpy.init(context=self.context)
        self.busy = Busy(self.context)
        self.executor = MessageExecutor(self.busy)
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self.spin)
        self.thread.start()
        self.other = Node('other', context=self.context)
        self.publisher = self.other.create_publisher(UInt32, 'flood', 100)
        self.client = self.other.create_client(Trigger, 'call')
        self.beside = SingleThreadedExecutor(context=self.context)
        self.beside.add_node(self.other)

    def spin(self) -> None:
        try:
            while not self.executor._is_shutdown:
                self.executor.spin_once()
        except ShutdownException:
            pass
        except Exception as error:
            # Its wait may find what the other thread has just taken down.
            if not self.executor._is_shutdown:
                self.error = error

    def close(self) -> None:
        self.executor.shutdown(timeout_sec=0)
        self.thread.join()
        self.busy.destroy_node()
        self.other.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def spinning(wait_until: Callable[..., None]) -> Iterator[Spinning]:
    made = Spinning()
    wait_until(made.publisher.get_subscription_count, made.beside)
    wait_until(made.client.service_is_ready, made.beside)
    yield made
    made.close()


def test_a_flood_of_messages_starves_nothing_else(
    spinning: Spinning, wait_until: Callable[..., None]
) -> None:
    busy, answers = spinning.busy, [spinning.client.call_async(Trigger.Request())]

    def flood() -> bool:
        for _ in range(20):
            spinning.publisher.publish(UInt32(data=1))
        busy.inbox.post(busy.post)
        if answers[-1].done():
            answers.append(spinning.client.call_async(Trigger.Request()))
        return busy.messages > 2000 and busy.ticks > 20 and busy.calls > 20

    wait_until(flood, spinning.beside)
    wait_until(lambda: busy.posts > 20, spinning.beside)


def test_it_stays_asleep_while_nothing_happens(
    spinning: Spinning, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Any] = []
    spun = spinning.executor._spin

    def spin(timeout_s: float | None, nodes: list[Any] | None) -> bool:
        waits.append(nodes)
        return spun(timeout_s, nodes)

    monkeypatch.setattr(spinning.executor, '_spin', spin)
    busy = spinning.busy
    spinning.publisher.publish(UInt32(data=1))
    wait_until(lambda: busy.messages, spinning.beside)
    ticks, before = busy.ticks, len(waits)
    wait_until(lambda: busy.ticks >= ticks + 50, spinning.beside)
    # Each tick of the timer is one wait; what follows the message are some more.
    assert len(waits) - before <= 2 * (busy.ticks - ticks)


def test_what_a_callback_raises_is_raised(
    spinning: Spinning, wait_until: Callable[..., None]
) -> None:
    spinning.publisher.publish(UInt32(data=0))
    wait_until(lambda: not spinning.thread.is_alive(), spinning.beside)
    assert isinstance(spinning.error, ValueError)


def test_it_ends_at_once(spinning: Spinning) -> None:
    spinning.executor.shutdown(timeout_sec=0)
    spinning.thread.join(60.0)
    assert not spinning.thread.is_alive()
    assert spinning.error is None
