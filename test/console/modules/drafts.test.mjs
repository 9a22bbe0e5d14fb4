// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Run by test_console_modules.py, or by: node --test test/console/modules/

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Drafts } from '../../../spark_ros/service/console/drafts.js';

const HOUR_MS = 3_600_000;
const DRAFT = { response: 'a cat' };

/** What a browser stores, with room for so many characters. */
class Stored {
  #items = new Map();

  constructor(room = Infinity) {
    this.room = room;
  }

  get length() {
    return this.#items.size;
  }

  key(at) {
    return [...this.#items.keys()][at] ?? null;
  }

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, text) {
    const others = [...this.#items].filter(([name]) => name !== key);
    const used = others.reduce((sum, [, value]) => sum + value.length, 0);
    if (used + text.length > this.room) throw new Error('full');
    this.#items.set(key, text);
  }

  removeItem(key) {
    this.#items.delete(key);
  }
}

let now = 0;
let stored = new Stored();

beforeEach(() => {
  now = 1000 * HOUR_MS;
  stored = new Stored();
});

/** Those of a page that has just been opened. */
function opened(operator = 'ann') {
  const drafts = new Drafts(stored, () => now);
  drafts.setOperator(operator);
  return drafts;
}

test('a draft is found by the next page, and shown by this one without asking', () => {
  const drafts = opened();
  drafts.keep(7, DRAFT);
  assert.deepEqual(drafts.find(7), { value: DRAFT, at: now, here: true });
  const begun = now;
  now += HOUR_MS;
  assert.deepEqual(opened().find(7), { value: DRAFT, at: begun, here: false });
});

test('a draft is a day old at most, and not from the future', () => {
  opened().keep(7, DRAFT);
  now += 24 * HOUR_MS - 1;
  assert.ok(opened().find(7));
  now += 1;
  assert.equal(opened().find(7), null);
  assert.equal(stored.length, 0);
  opened().keep(7, DRAFT);
  now -= 1;
  assert.equal(opened().find(7), null);
});

test('what another operator left here is deleted', () => {
  opened('ann').keep(7, DRAFT);
  stored.setItem('theme', 'dark');
  assert.equal(opened('bob').find(7), null);
  assert.equal(opened('ann').find(7), null);
  assert.equal(stored.getItem('theme'), 'dark');
});

test('nothing is stored before the operator is known, and then it is', () => {
  const drafts = new Drafts(stored, () => now);
  drafts.keep(7, DRAFT);
  assert.equal(stored.length, 0);
  drafts.setOperator('ann');
  assert.ok(opened().find(7));
});

test('of more than fifty, the oldest are deleted', () => {
  const drafts = opened();
  for (let id = 1; id <= 60; id += 1) {
    now += 1;
    drafts.keep(id, DRAFT);
  }
  assert.equal(stored.length, 50);
  assert.equal(opened().find(10), null);
  assert.ok(opened().find(11));
});

test('the newest takes the place of the oldest where the storage is full', () => {
  stored = new Stored(500);
  const drafts = opened();
  for (let id = 1; id <= 20; id += 1) {
    now += 1;
    drafts.keep(id, DRAFT);
  }
  assert.ok(stored.length < 20 && opened().find(20));
  stored.room = 0;
  drafts.keep(21, DRAFT);
  assert.deepEqual(drafts.find(21).value, DRAFT);
  assert.equal(opened().find(21), null);
});

test('a long draft loses its history first, and is not stored at all where that is not enough', () => {
  const shapes = Array.from({ length: 1000 }, (_, key) => ({ key, label: 'x'.repeat(50) }));
  const drafts = opened();
  drafts.keep(7, { edits: { shapes, past: Array(20).fill(shapes), future: [] } });
  const { value } = opened().find(7);
  assert.deepEqual(value.edits.shapes, shapes);
  assert.equal(value.edits.past.length, 3);
  drafts.keep(8, { response: 'x'.repeat(2 ** 20) });
  assert.equal(opened().find(8), null);
  assert.ok(drafts.find(8).here);
});

test('nothing is left after a logout, and nothing where storage is refused', () => {
  const drafts = opened();
  drafts.keep(7, DRAFT);
  drafts.clear();
  assert.equal(stored.length, 0);
  assert.equal(drafts.find(7), null);
  stored = null;
  const without = opened();
  without.keep(7, DRAFT);
  assert.ok(without.find(7).here);
  without.clear();
});

test('what is damaged or strange in the storage is no draft', () => {
  for (const text of ['{', '7', 'null', '{"at":"x","value":{}}', `{"at":${now}}`]) {
    stored.setItem('spark-draft/ann/7', text);
    const drafts = new Drafts(stored, () => now);
    drafts.setOperator('ann');
    assert.equal(drafts.find(7), null, text);
  }
});
