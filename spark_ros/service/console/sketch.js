// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A shape that is being drawn point by point, by clicks or by keys. No DOM.

import { boxBetween, clampPoint } from './shapes.js';

const POINTS = { bounding_box: 2, dot: 1, polygon: Infinity };
const FEWEST_OF_POLYGON = 3;

export class Sketch {
  #points = [];
  #undone = [];

  /** Whether a cross shows where the aim is. */
  cross = true;

  /** `aim`: where the next point would be, in fractions of the image. */
  constructor(type, aim) {
    this.type = type;
    this.aim = clampPoint(aim);
  }

  get points() {
    return this.#points;
  }

  /** What is drawn so far, with a line to the aim. */
  get outline() {
    return this.type === 'bounding_box' && this.#points.length === 1
      ? boxBetween(this.#points[0], this.aim, { x: 0, y: 0 })
      : [...this.#points, this.aim];
  }

  moveTo(point) {
    this.aim = clampPoint(point);
  }

  /** Add a point where the aim is; false where it would lie within `reach` of the last. */
  place(reach) {
    const last = this.#points.at(-1);
    if (last && isNear(last, this.aim, reach)) return false;
    this.#points = [...this.#points, this.aim];
    this.#undone = [];
    return true;
  }

  /** Whether a point at the aim would close the polygon. */
  closesAt(reach) {
    return this.#points.length >= FEWEST_OF_POLYGON && isNear(this.#points[0], this.aim, reach);
  }

  get full() {
    return this.#points.length >= POINTS[this.type];
  }

  /** The vertices of the shape, or null while points are missing; `min` is of a box. */
  vertices(min) {
    if (this.type === 'bounding_box') return this.full ? boxBetween(...this.#points, min) : null;
    const fewest = this.type === 'polygon' ? FEWEST_OF_POLYGON : 1;
    return this.#points.length >= fewest ? this.#points : null;
  }

  get canUndo() {
    return this.#points.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Take the last point back; false when there is none. */
  undo() {
    if (!this.canUndo) return false;
    this.#undone = [...this.#undone, this.#points.at(-1)];
    this.#points = this.#points.slice(0, -1);
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#points = [...this.#points, this.#undone.at(-1)];
    this.#undone = this.#undone.slice(0, -1);
    return true;
  }
}

const isNear = (a, b, reach) => Math.hypot((a.x - b.x) / reach.x, (a.y - b.y) / reach.y) <= 1;
