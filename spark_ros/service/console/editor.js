// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The shapes being edited: selection, changes, undo. No DOM; it tells with a 'change' event.

import { sameVertices } from './shapes.js';

const NAMES = { bounding_box: 'Box', polygon: 'Polygon', dot: 'Dot' };

// One count for all editors: what was put aside comes back with its keys.
let nextKey = 0;

/** A shape is never changed in place: a new object replaces it, so undo keeps exact numbers. */
export class Editor extends EventTarget {
  #priors = new Map();
  #past = [];
  #future = [];
  #before = null;

  shapes = [];
  selectedKey = null;

  /** Start from the priors, or from what `keep` gave for the same priors. */
  load(priors, kept = null) {
    this.#priors = new Map(priors.map((prior) => [prior.index, prior]));
    this.#past = kept?.past ?? [];
    this.#future = kept?.future ?? [];
    this.#before = null;
    // Of an earlier page, the keys must not come again.
    for (const { shapes } of kept ? [kept, ...kept.past, ...kept.future] : []) {
      for (const { key } of shapes) nextKey = Math.max(nextKey, key + 1);
    }
    this.shapes = kept?.shapes ?? priors.map((prior) => ({
      key: nextKey++,
      prior: prior.index,
      label: prior.label ?? '',
      type: prior.type,
      vertices: prior.vertices,
      metadata: prior.metadata ?? null,
    }));
    this.selectedKey = null;
    this.#tell();
  }

  keep() {
    this.settle();
    return { shapes: this.shapes, past: this.#past, future: this.#future };
  }

  get selected() {
    return this.shapes.find((shape) => shape.key === this.selectedKey) ?? null;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  select(key) {
    this.settle();
    if (this.selectedKey === key) return;
    this.selectedKey = key;
    this.#tell();
  }

  /** Select the next (or previous) shape; false when there is none left in that direction. */
  step(direction) {
    const at = this.shapes.findIndex((shape) => shape.key === this.selectedKey);
    const start = direction > 0 ? 0 : this.shapes.length - 1;
    const next = this.shapes[at < 0 ? start : at + direction];
    if (!next) return false;
    this.select(next.key);
    return true;
  }

  relabel(key, label) {
    this.settle();
    if (this.shapes.find((shape) => shape.key === key)?.label === label) return;
    this.#commit(this.#with(key, { label }), key);
  }

  /** Add a shape with these fields as one step of the history. */
  add(fields) {
    this.settle();
    const shape = { key: nextKey++, prior: null, label: '', metadata: null, ...fields };
    this.#commit([...this.shapes, shape], shape.key);
  }

  remove(key) {
    this.settle();
    this.#commit(this.shapes.filter((shape) => shape.key !== key), null);
  }

  /** Show a change while a drag or typing lasts; `settle` makes it one step of the history. */
  preview(key, change) {
    this.#before ??= this.#state();
    this.#show({ shapes: this.#with(key, change), selectedKey: key });
  }

  /** Start a new shape as a preview; returns its key. */
  previewNew(fields) {
    this.settle();
    this.#before = this.#state();
    const key = nextKey++;
    const shape = { key, prior: null, label: '', metadata: null, ...fields };
    this.#show({ shapes: [...this.shapes, shape], selectedKey: key });
    return key;
  }

  settle() {
    if (!this.#before) return;
    const before = this.#before;
    this.#before = null;
    this.#past.push(before);
    this.#future = [];
    this.#tell();
  }

  cancelPreview() {
    if (!this.#before) return false;
    const before = this.#before;
    this.#before = null;
    this.#show(before);
    return true;
  }

  undo() {
    this.settle();
    this.#travel(this.#past, this.#future);
  }

  redo() {
    this.settle();
    this.#travel(this.#future, this.#past);
  }

  /** 'untouched', 'changed' or 'added'; moved away and back again is untouched. */
  status(shape) {
    if (shape.prior === null) return 'added';
    const prior = this.#priors.get(shape.prior);
    const same = shape.label === (prior.label ?? '') && sameVertices(shape.vertices, prior.vertices);
    return same ? 'untouched' : 'changed';
  }

  counts() {
    const counts = { untouched: 0, changed: 0, added: 0, removed: 0 };
    for (const shape of this.shapes) counts[this.status(shape)] += 1;
    counts.removed = this.#priors.size - counts.untouched - counts.changed;
    return counts;
  }

  describe(shape) {
    const at = this.shapes.indexOf(shape) + 1;
    return `${NAMES[shape.type] ?? 'Shape'} ${at} of ${this.shapes.length}`;
  }

  /** The final list as the service wants it. */
  answer() {
    return this.shapes.map((shape) => ({
      prior: shape.prior,
      label: this.status(shape) === 'untouched' ? this.#priors.get(shape.prior).label : shape.label,
      type: shape.type,
      vertices: shape.vertices.map(({ x, y }) => ({ x, y })),
    }));
  }

  #with(key, change) {
    return this.shapes.map((shape) => (shape.key === key ? { ...shape, ...change } : shape));
  }

  #state() {
    return { shapes: this.shapes, selectedKey: this.selectedKey };
  }

  #commit(shapes, selectedKey) {
    this.#past.push(this.#state());
    this.#future = [];
    this.#show({ shapes, selectedKey });
  }

  #travel(from, to) {
    if (!from.length) return;
    to.push(this.#state());
    this.#show(from.pop());
  }

  #show({ shapes, selectedKey }) {
    this.shapes = shapes;
    this.selectedKey = shapes.some((shape) => shape.key === selectedKey) ? selectedKey : null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
