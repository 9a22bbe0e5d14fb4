// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The shapes being edited: selection, changes, undo. No DOM; it tells with a 'change' event.

import { sameVertices } from './shapes.js';
import { word } from './words.js';

const NAMES = { bounding_box: 'shape.box', polygon: 'shape.polygon', dot: 'shape.dot' };

// One count for all editors: what was put aside comes back with its keys. Those of priors are
// below zero, so that a prior that was removed and is brought back has the key that it had.
let nextKey = 0;

/**
 * A shape is never changed in place: a new object replaces it, so undo keeps exact numbers.
 * A removed prior is a ghost: it can be selected and brought back until the answer is sent.
 */
export class Editor extends EventTarget {
  #priors = new Map();
  #labels = new Map();
  #past = [];
  #future = [];
  #before = null;

  shapes = [];
  selectedKey = null;

  /** Start from the priors, or from what `keep` gave for the same priors. */
  load(priors, kept = null) {
    this.#priors = new Map(priors.map((prior) => [prior.index, shapeOf(prior)]));
    this.#labels = new Map(priors.map((prior) => [prior.index, prior.label]));
    this.#past = kept?.past ?? [];
    this.#future = kept?.future ?? [];
    this.#before = null;
    // Of an earlier page, the keys must not come again.
    for (const { shapes } of kept ? [kept, ...kept.past, ...kept.future] : []) {
      for (const { key } of shapes) nextKey = Math.max(nextKey, key + 1);
    }
    this.shapes = kept?.shapes ?? this.priors;
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

  /** The shapes that the robot sent, as it sent them. */
  get priors() {
    return [...this.#priors.values()];
  }

  /** The priors that were removed. */
  get ghosts() {
    const there = new Set(this.shapes.map((shape) => shape.prior));
    return this.priors.filter((shape) => !there.has(shape.prior));
  }

  get selectedGhost() {
    return this.ghosts.find((shape) => shape.key === this.selectedKey) ?? null;
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

  /**
   * Select the next (or previous) shape, the ghosts after the others; false when there is none left
   * in that direction.
   */
  step(direction) {
    const all = [...this.shapes, ...this.ghosts];
    const at = all.findIndex((shape) => shape.key === this.selectedKey);
    const start = direction > 0 ? 0 : all.length - 1;
    const next = all[at < 0 ? start : at + direction];
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

  /** Note that a prior is right as it is, and select `next`. */
  accept(key, next = null) {
    this.settle();
    this.#commit(this.#with(key, { accepted: true }), next);
  }

  /** Remove a shape, and select `next`. */
  remove(key, next = null) {
    this.settle();
    this.#commit(this.shapes.filter((shape) => shape.key !== key), next);
  }

  /** Bring a removed prior back as the robot sent it, to its place among the others. */
  restore(key) {
    this.settle();
    const ghost = this.ghosts.find((shape) => shape.key === key);
    if (!ghost) return;
    const order = new Map(this.priors.map(({ prior }, at) => [prior, at]));
    const placeOf = ({ prior }) => order.get(prior) ?? Infinity;
    const after = this.shapes.findIndex((shape) => placeOf(shape) > placeOf(ghost));
    this.#commit(this.shapes.toSpliced(after < 0 ? this.shapes.length : after, 0, ghost), key);
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
    const same = shape.label === prior.label && sameVertices(shape.vertices, prior.vertices);
    return same ? 'untouched' : 'changed';
  }

  /** What was done about each prior, by key: 'open', 'accepted', 'changed' or 'removed'. */
  decisions() {
    const shapes = new Map(this.shapes.map((shape) => [shape.prior, shape]));
    return new Map(this.priors.map(({ key, prior }) => [key, this.#decision(shapes.get(prior))]));
  }

  #decision(shape) {
    if (!shape) return 'removed';
    if (this.status(shape) === 'changed') return 'changed';
    return shape.accepted ? 'accepted' : 'open';
  }

  counts() {
    const counts = { accepted: 0, untouched: 0, changed: 0, added: 0 };
    for (const shape of this.shapes) {
      const status = this.status(shape);
      counts[status === 'untouched' && shape.accepted ? 'accepted' : status] += 1;
    }
    counts.removed = this.#priors.size - counts.accepted - counts.untouched - counts.changed;
    return counts;
  }

  describe(shape) {
    const at = this.shapes.indexOf(shape) + 1;
    return word(NAMES[shape.type] ?? 'shape.other', { at, n: this.shapes.length });
  }

  /** The final list as the service wants it. */
  answer() {
    return this.shapes.map((shape) => ({
      prior: shape.prior,
      label: this.status(shape) === 'untouched' ? this.#labels.get(shape.prior) : shape.label,
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
    this.selectedKey = selectedKey;
    if (!this.selected && !this.selectedGhost) this.selectedKey = null;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

/** A prior as a shape. */
function shapeOf({ index, label, type, vertices, metadata }) {
  return {
    key: -1 - index, prior: index, label: label ?? '', type, vertices, metadata: metadata ?? null,
  };
}
