// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Run by test_console_modules.py, or by: node --test test/console/modules/

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as shapes from '../../../spark_ros/service/console/shapes.js';

const { LARGEST } = shapes;
const BOX = shapes.boxVertices({ left: 0.2, top: 0.2, right: 0.6, bottom: 0.5 });
const TRIANGLE = [{ x: 0.2, y: 0.2 }, { x: 0.6, y: 0.2 }, { x: 0.4, y: 0.6 }];
const MIN = { x: 0.01, y: 0.01 };
const REACH = { x: 0.01, y: 0.01 };

test('a box between any two points lies in the image and has its vertices clockwise', () => {
  for (const [a, b] of [
    [{ x: 0.6, y: 0.5 }, { x: 0.2, y: 0.2 }], [{ x: 0.2, y: 0.5 }, { x: 0.6, y: 0.2 }],
  ]) assert.deepEqual(shapes.boxBetween(a, b, MIN), BOX);
  const all = shapes.boxBetween({ x: -3, y: -1 }, { x: 2, y: 9 }, MIN);
  assert.deepEqual(shapes.bounds(all), { left: 0, top: 0, right: LARGEST, bottom: LARGEST });
  const { left, right } = shapes.bounds(shapes.boxBetween({ x: 1, y: 1 }, { x: 1, y: 1 }, MIN));
  assert.ok(right - left >= MIN.x - 1e-12 && right < 1);
});

test('what is moved keeps its size and stays in the image', () => {
  const { left, top, right, bottom } = shapes.bounds(shapes.moved(BOX, 5, -5));
  assert.ok(Math.abs(right - left - 0.4) < 1e-12 && Math.abs(bottom - top - 0.3) < 1e-12);
  assert.ok(right <= LARGEST && top === 0);
});

test('a resized box keeps the exact numbers of the edges that did not move', () => {
  const box = shapes.bounds(shapes.resized(BOX, 'se', 0.1, 0.1, MIN));
  assert.deepEqual([box.left, box.top], [0.2, 0.2]);
  // Beyond the opposite edge it stops at the smallest size.
  const thin = shapes.bounds(shapes.resized(BOX, 'e', -9, 0, MIN));
  assert.deepEqual(thin, { left: 0.2, top: 0.2, right: 0.21000000000000002, bottom: 0.5 });
});

test('a vertex is added in the middle of a side, also of the last one', () => {
  const added = shapes.withVertexAdded(TRIANGLE, 2);
  assert.equal(added.length, 4);
  assert.deepEqual(added.slice(0, 3), TRIANGLE);
  assert.ok(Math.abs(added[3].x - 0.3) < 1e-12 && Math.abs(added[3].y - 0.4) < 1e-12);
  assert.deepEqual(shapes.withoutVertex(added, 3), TRIANGLE);
  assert.equal(TRIANGLE.length, 3);
});

test('a polygon keeps three vertices', () => {
  assert.equal(shapes.withoutVertex(TRIANGLE, 0), null);
});

test('a moved vertex stays in the image, and the others where they were', () => {
  const moved = shapes.withVertexMoved(TRIANGLE, 1, 9, -9);
  assert.deepEqual(moved, [TRIANGLE[0], { x: LARGEST, y: 0 }, TRIANGLE[2]]);
});

test('a polygon is hit inside and at its sides, not in the rest of its bounds', () => {
  const polygon = { type: 'polygon', vertices: TRIANGLE };
  assert.ok(shapes.contains(polygon, { x: 0.4, y: 0.3 }, REACH));
  assert.ok(shapes.contains(polygon, { x: 0.3, y: 0.195 }, REACH));
  assert.ok(!shapes.contains(polygon, { x: 0.22, y: 0.55 }, REACH));
});

test('of shapes under a point the smallest comes first, and of equals the one in front', () => {
  const small = { left: 0.3, top: 0.3, right: 0.4, bottom: 0.4 };
  const list = [
    { key: 1, type: 'bounding_box', vertices: BOX },
    { key: 2, type: 'bounding_box', vertices: shapes.boxVertices(small) },
    { key: 3, type: 'bounding_box', vertices: BOX },
    { key: 4, type: 'dot', vertices: [{ x: 0.9, y: 0.9 }] },
  ];
  const keys = (point) => shapes.shapesAt(list, point, REACH).map(({ key }) => key);
  assert.deepEqual(keys({ x: 0.35, y: 0.35 }), [2, 3, 1]);
  assert.deepEqual(keys({ x: 0.55, y: 0.45 }), [3, 1]);
  assert.deepEqual(keys({ x: 0.1, y: 0.9 }), []);
});

test('going through shapes reaches each of them and comes round', () => {
  const list = [{ key: 7 }, { key: 8 }, { key: 9 }];
  assert.equal(shapes.nextOf(list, 9, 1).key, 7);
  assert.equal(shapes.nextOf(list, 7, -1).key, 9);
  assert.equal(shapes.nextOf(list, null, 1).key, 7);
  assert.equal(shapes.nextOf([], 7, 1), null);
});
