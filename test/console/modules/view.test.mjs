// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as views from '../../../spark_ros/service/console/view.js';

const SIZE = { width: 640, height: 480 };
const STAGE = { width: 800, height: 600 };
const VIEW = { scale: 1.5, x: -30, y: 12 };
const near = (a, b) => assert.ok(Math.hypot(a.x - b.x, a.y - b.y) < 1e-9, JSON.stringify([a, b]));

test('a point goes to the stage and back', () => {
  for (const point of [{ x: 0, y: 0 }, { x: 0.3, y: 0.9 }, { x: 1.5, y: -1 }]) {
    near(views.toImage(VIEW, SIZE, views.toStage(VIEW, SIZE, point)), point);
  }
});

test('a fitted image lies in the stage, above the tools', () => {
  for (const size of [SIZE, { width: 4000, height: 100 }, { width: 30, height: 9000 }]) {
    const view = views.fitted(STAGE, size, 64);
    const end = views.toStage(view, size, { x: 1, y: 1 });
    assert.ok(view.x >= views.MARGIN_PX && view.y >= views.MARGIN_PX);
    assert.ok(end.x <= STAGE.width - views.MARGIN_PX + 1e-9 && end.y <= STAGE.height - 64 + 1e-9);
  }
});

test('zooming keeps what is under the pointer where it is', () => {
  const pointer = { x: 123, y: 45 };
  const before = views.toImage(VIEW, SIZE, pointer);
  for (const factor of [0.5, 3, 1e6]) {
    near(views.toImage(views.zoomedAt(VIEW, factor, pointer), SIZE, pointer), before);
  }
  assert.equal(views.zoomedAt(VIEW, 1e6, pointer).scale, views.MAX_SCALE);
});

test('what two fingers hold stays between them', () => {
  const before = [{ x: 100, y: 100 }, { x: 200, y: 100 }];
  const after = [{ x: 140, y: 160 }, { x: 440, y: 160 }];
  const next = views.pinched(VIEW, before, after);
  assert.ok(Math.abs(next.scale - 3 * VIEW.scale) < 1e-12);
  for (const at of [0, 1]) {
    near(views.toImage(next, SIZE, after[at]), views.toImage(VIEW, SIZE, before[at]));
  }
  // Fingers on one spot have no distance to multiply.
  const same = [before[0], before[0]];
  assert.equal(views.pinched(VIEW, same, after).scale, VIEW.scale);
  // One finger only moves.
  assert.deepEqual(
    views.pinched(VIEW, before.slice(0, 1), after.slice(0, 1)),
    { scale: VIEW.scale, x: VIEW.x + 40, y: VIEW.y + 60 });
});

test('the image follows a point that leaves the stage, and only then', () => {
  assert.deepEqual(views.following(VIEW, { x: 400, y: 300 }, STAGE, 0), VIEW);
  const next = views.following(VIEW, { x: 810, y: -5 }, STAGE, 64);
  near({ x: 810 + next.x - VIEW.x, y: -5 + next.y - VIEW.y }, { x: 780, y: 20 });
  // What lies under the tools is out of view, too.
  near(views.following(VIEW, { x: 400, y: 590 }, STAGE, 64), { ...VIEW, y: VIEW.y - 74 });
});
