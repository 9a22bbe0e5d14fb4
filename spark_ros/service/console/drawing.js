// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Drawing a shape of a chosen type: by clicks, and by keys with a cross that the arrows move.

import { FINGERS } from './dom.js';
import { Sketch } from './sketch.js';

const STEP_PX = 8;
const SAME_SPOT_PX = 2;
const SMALLEST_PX = 2;

export class Drawing {
  #canvas;
  #editor;
  #rules;
  #byKeys = false;

  /** `rules`: `newShape(type)` gives the fields or null, `onChange(type)`, also when
   * points come or go, and `onDrawn()`. */
  constructor(canvas, editor, rules) {
    this.#canvas = canvas;
    this.#editor = editor;
    this.#rules = rules;
  }

  /** What is being drawn, or null. */
  get type() {
    return this.#sketch?.type ?? null;
  }

  /** Whether the arrows aim, and Space places. */
  get byKeys() {
    return this.type !== null && this.#byKeys;
  }

  get #sketch() {
    return this.#canvas.sketch;
  }

  /** The next thing that is drawn is of this type, even on top of another shape. */
  start(type) {
    // Fingers need no cross, as long as no key aims.
    this.#begin(type, !FINGERS);
  }

  /** Stop drawing; what is not complete is lost. */
  stop() {
    this.#canvas.sketch = null;
    this.#rules.onChange(null);
  }

  aim(point) {
    this.#byKeys = false;
    this.#sketch.cross = !FINGERS;
    this.#aim(point);
  }

  nudge(dx, dy) {
    this.#byKeys = true;
    this.#sketch.cross = true;
    const step = this.#canvas.screenReach(STEP_PX);
    const { x, y } = this.#sketch.aim;
    this.#aim({ x: x + dx * step.x, y: y + dy * step.y });
    this.#canvas.follow(this.#sketch.aim);
  }

  /** Place a point where the aim is; near the first one of a polygon, in pixels, close it. */
  place(closesPx) {
    if (!this.#canvas.ready) return;
    const reach = this.#canvas.screenReach(closesPx);
    if (this.type === 'polygon' && this.#sketch.closesAt(reach)) {
      this.complete();
      return;
    }
    this.#sketch.place(this.#canvas.screenReach(SAME_SPOT_PX));
    if (this.#sketch.full) this.complete();
    else this.#tell();
  }

  /** Make a shape of what is drawn; false where points are missing. */
  complete() {
    if (!this.#sketch || !this.#canvas.ready) return false;
    const vertices = this.#sketch.vertices(this.#canvas.imageReach(SMALLEST_PX));
    if (!vertices) return false;
    const fields = this.#rules.newShape(this.type);
    // Dots come in numbers: each further tap or click places one, until the tool is put away.
    const again = this.type === 'dot' && !this.#byKeys;
    this.stop();
    if (!fields) return true;
    this.#editor.add({ ...fields, vertices });
    if (again) this.#begin('dot', false);
    this.#rules.onDrawn();
    return true;
  }

  get canUndo() {
    return this.#sketch?.canUndo ?? false;
  }

  get canRedo() {
    return this.#sketch?.canRedo ?? false;
  }

  /** Take back the last point; false when there is none. */
  undo() {
    return this.#travel('undo');
  }

  redo() {
    return this.#travel('redo');
  }

  #begin(type, byKeys) {
    this.#byKeys = byKeys;
    this.#canvas.sketch = new Sketch(type, this.#sketch?.aim ?? this.#canvas.middle);
    this.#sketch.cross = byKeys;
    this.#rules.onChange(type);
  }

  #travel(way) {
    const done = this.#sketch?.[way]() ?? false;
    if (done) this.#tell();
    return done;
  }

  #tell() {
    this.#canvas.draw();
    this.#rules.onChange(this.type);
  }

  #aim(point) {
    this.#sketch.moveTo(point);
    this.#canvas.draw();
  }
}
