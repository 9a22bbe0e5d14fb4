// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Sketch } from '../../../spark_ros/service/console/sketch.js';

const REACH = { x: 0.01, y: 0.01 };
const CORNERS = [{ x: 0.1, y: 0.1 }, { x: 0.5, y: 0.1 }, { x: 0.3, y: 0.6 }];

function drawn(type, points) {
  const sketch = new Sketch(type, { x: 0.5, y: 0.5 });
  for (const point of points) {
    sketch.moveTo(point);
    sketch.place(REACH);
  }
  return sketch;
}

test('a box takes two corners, in any order', () => {
  const one = drawn('bounding_box', [{ x: 0.6, y: 0.7 }]);
  assert.equal(one.vertices(REACH), null);
  assert.ok(!one.full);
  const two = drawn('bounding_box', [{ x: 0.6, y: 0.7 }, { x: 0.2, y: 0.1 }]);
  assert.ok(two.full);
  assert.deepEqual(two.vertices(REACH)[0], { x: 0.2, y: 0.1 });
});

test('a dot takes one point', () => {
  const dot = drawn('dot', [{ x: 3, y: -3 }]);
  assert.ok(dot.full);
  assert.deepEqual(dot.vertices(REACH), [{ x: 1 - 2 ** -53, y: 0 }]);
});

test('a polygon takes three points or more, and is closed at its first', () => {
  assert.equal(drawn('polygon', CORNERS.slice(0, 2)).vertices(REACH), null);
  const polygon = drawn('polygon', CORNERS);
  assert.deepEqual(polygon.vertices(REACH), CORNERS);
  assert.ok(!polygon.full && !polygon.closesAt(REACH));
  polygon.moveTo({ x: 0.105, y: 0.1 });
  assert.ok(polygon.closesAt(REACH));
});

test('a second click on one spot adds nothing', () => {
  assert.deepEqual(drawn('polygon', [...CORNERS, CORNERS[2]]).points, CORNERS);
});

test('points are taken back and placed again', () => {
  const polygon = drawn('polygon', CORNERS);
  assert.ok(polygon.undo() && polygon.undo() && polygon.redo());
  assert.deepEqual(polygon.points, CORNERS.slice(0, 2));
  polygon.moveTo({ x: 0.9, y: 0.9 });
  polygon.place(REACH);
  assert.ok(!polygon.redo());
  assert.ok(polygon.undo() && polygon.undo() && polygon.undo());
  assert.ok(!polygon.undo());
});
