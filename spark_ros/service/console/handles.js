// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The handle of the selected shape that the keys move: a corner of a box, a vertex of a polygon.

import { resized, withVertexAdded, withVertexMoved, withoutVertex } from './shapes.js';

const CORNERS = ['nw', 'ne', 'se', 'sw'];
const SMALLEST_PX = 2;

export class Handles {
  #canvas;
  #editor;
  #key = null;
  #name = null;

  constructor(canvas, editor) {
    this.#canvas = canvas;
    this.#editor = editor;
    canvas.takenHandle = () => this.taken;
  }

  /** The name of the handle that was taken, or null. */
  get taken() {
    const shape = this.#editor.selected;
    return shape?.key === this.#key && namesOf(shape).includes(this.#name) ? this.#name : null;
  }

  take(name) {
    this.#key = this.#editor.selectedKey;
    this.#name = name;
    this.#canvas.draw();
  }

  /** Let go of the handle; false when there was none. */
  release() {
    if (this.taken === null) return false;
    this.take(null);
    return true;
  }

  /** Take the next handle, or the previous one, round and round. */
  step(direction) {
    const shape = this.#editor.selected;
    const names = shape ? namesOf(shape) : [];
    if (!names.length) return false;
    const at = names.indexOf(this.taken);
    const first = direction > 0 ? 0 : names.length - 1;
    this.take(names[at < 0 ? first : (at + direction + names.length) % names.length]);
    return true;
  }

  /** Move it by pixels of the image. */
  nudge(dx, dy) {
    const { selected } = this.#editor;
    const pixel = this.#canvas.imageReach(1);
    this.#editor.preview(selected.key, {
      vertices: this.dragged(selected, this.taken, dx * pixel.x, dy * pixel.y),
    });
  }

  /** The vertices with a handle of the shape dragged; one in the middle of a side adds a vertex. */
  dragged({ vertices }, name, dx, dy) {
    const index = Number(name.slice(1));
    if (name.startsWith('v')) return withVertexMoved(vertices, index, dx, dy);
    if (name.startsWith('m')) {
      return withVertexMoved(withVertexAdded(vertices, index), index + 1, dx, dy);
    }
    return resized(vertices, name, dx, dy, this.#canvas.imageReach(SMALLEST_PX));
  }

  /** Add a vertex after the one that is taken, or on the side of the handle `m…`; take it. */
  addVertex(name = this.taken) {
    const { selected } = this.#editor;
    if (selected?.type !== 'polygon' || !name) return false;
    const index = Number(name.slice(1));
    this.#editor.preview(selected.key, { vertices: withVertexAdded(selected.vertices, index) });
    this.#editor.settle();
    this.take(`v${index + 1}`);
    return true;
  }

  /** Remove the vertex that is taken, if enough are left; false when none is taken. */
  removeVertex() {
    const { selected } = this.#editor;
    if (selected?.type !== 'polygon' || this.taken === null) return false;
    const vertices = withoutVertex(selected.vertices, Number(this.taken.slice(1)));
    if (!vertices) return true;
    this.#editor.preview(selected.key, { vertices });
    this.#editor.settle();
    return true;
  }
}

function namesOf({ type, vertices }) {
  if (type === 'bounding_box') return CORNERS;
  return type === 'polygon' ? vertices.map((_, index) => `v${index}`) : [];
}
