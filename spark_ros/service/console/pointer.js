// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Mouse and pen on the image: select, move, resize, draw, pan, zoom.

import {
  boxBetween, clampPoint, contains, moved, resized, shapeAt, withVertexMoved,
} from './shapes.js';

const DRAG_STARTS_PX = 3;
const REACH_PX = 5;
const SMALLEST_PX = 2;
const ZOOM_PER_WHEEL_PX = 0.0015;

export class Pointer {
  #stage;
  #canvas;
  #editor;
  #newShape;
  #gesture = null;
  #panning = false;
  #drawing = false;
  #onDrawing;

  /**
   * `newShape()` gives the fields of what is drawn, its type among them, or null where nothing may
   * be; `onDrawing(on)` hears of the draw mode.
   */
  constructor(stage, canvas, editor, { newShape, onDrawing, onDrawn }) {
    this.#stage = stage;
    this.#canvas = canvas;
    this.#editor = editor;
    this.#newShape = newShape;
    this.#onDrawing = onDrawing;
    this.onDrawn = onDrawn;
    stage.addEventListener('pointerdown', (event) => this.#down(event));
    stage.addEventListener('pointermove', (event) => this.#move(event));
    stage.addEventListener('pointerup', (event) => this.#up(event));
    stage.addEventListener('pointercancel', () => this.cancel());
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
  }

  /** While on, the next drag draws a box even on top of another shape. */
  setDrawing(on) {
    this.#drawing = on;
    this.#stage.classList.toggle('drawing', on);
    this.#onDrawing(on);
  }

  /** Whether a mere click places a shape. */
  clickPlaces = false;

  get drawing() {
    return this.#drawing;
  }

  /** While on, dragging moves the image. */
  setPanning(on) {
    this.#panning = on;
    this.#stage.classList.toggle('panning', on);
  }

  /** Give up the drag that is going on; false when there was none. */
  cancel() {
    const was = this.#gesture !== null;
    this.#gesture = null;
    return this.#editor.cancelPreview() || was;
  }

  #down(event) {
    if (!event.isPrimary || this.#gesture || !this.#canvas.ready) return;
    if (event.target.closest('button, .cover, .tools')) return;
    if (event.button !== 0 && event.button !== 1) return;
    event.preventDefault();
    // Also ends typing elsewhere, so that a half-typed label goes to the shape it was meant for.
    this.#stage.focus({ preventScroll: true });
    this.#stage.setPointerCapture(event.pointerId);
    const start = this.#canvas.pointOf(event);
    this.#gesture = {
      ...this.#begin(event, start),
      pointerId: event.pointerId,
      from: { x: event.clientX, y: event.clientY },
      dragging: false,
    };
  }

  #begin(event, start) {
    if (this.#panning || event.button === 1) return this.#pan(event);
    const selected = this.#editor.selected;
    const handle = event.target.dataset?.handle;
    if (handle && selected && !this.#drawing) return this.#resize(selected, handle, start);
    const reach = this.#canvas.screenReach(REACH_PX);
    const hit = this.#drawing ? null : shapeAt(this.#canvas.shown, start, reach);
    if (!hit) return this.#draw(start);
    if (selected && contains(selected, start, reach)) {
      // A drag moves what is selected; a mere click reaches for the smaller shape on top of it.
      return { ...this.#moveShape(selected, start), click: () => this.#editor.select(hit.key) };
    }
    this.#editor.select(hit.key);
    return this.#moveShape(hit, start);
  }

  #move(event) {
    const gesture = this.#gesture;
    if (!gesture || event.pointerId !== gesture.pointerId) return;
    const far = Math.hypot(event.clientX - gesture.from.x, event.clientY - gesture.from.y);
    if (!gesture.dragging && far < DRAG_STARTS_PX) return;
    gesture.dragging = true;
    gesture.drag(this.#canvas.pointOf(event), event);
  }

  #up(event) {
    const gesture = this.#gesture;
    if (!gesture || event.pointerId !== gesture.pointerId) return;
    this.#gesture = null;
    if (gesture.dragging) {
      this.#editor.settle();
      gesture.done?.();
    } else {
      gesture.click?.();
    }
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.#canvas.zoom(Math.exp(-event.deltaY * pixels * ZOOM_PER_WHEEL_PX), event);
  }

  #pan(event) {
    let last = { x: event.clientX, y: event.clientY };
    return {
      drag: (point, { clientX, clientY }) => {
        this.#canvas.pan(clientX - last.x, clientY - last.y);
        last = { x: clientX, y: clientY };
      },
    };
  }

  #moveShape(shape, start) {
    return {
      drag: (point) => this.#editor.preview(
        shape.key, { vertices: moved(shape.vertices, point.x - start.x, point.y - start.y) }),
    };
  }

  #resize(shape, handle, start) {
    const smallest = this.#canvas.imageReach(SMALLEST_PX);
    const change = (dx, dy) => (handle.startsWith('v')
      ? withVertexMoved(shape.vertices, Number(handle.slice(1)), dx, dy)
      : resized(shape.vertices, handle, dx, dy, smallest));
    return {
      drag: (point) => this.#editor.preview(
        shape.key, { vertices: change(point.x - start.x, point.y - start.y) }),
    };
  }

  #draw(start) {
    const smallest = this.#canvas.imageReach(SMALLEST_PX);
    let fields;
    let key = null;
    const placed = (point) => (fields.type === 'dot'
      ? [clampPoint(point)]
      : boxBetween(start, point, smallest));
    const done = () => {
      this.setDrawing(false);
      if (key !== null) this.onDrawn();
    };
    const drag = (point) => {
      fields ??= this.#newShape() ?? false;
      if (!fields) return;
      const vertices = placed(point);
      if (key === null) key = this.#editor.previewNew({ ...fields, vertices });
      else this.#editor.preview(key, { vertices });
    };
    const click = () => {
      if (!this.clickPlaces || !inside(start)) {
        const reach = this.#canvas.screenReach(REACH_PX);
        const ghost = this.#drawing ? null : shapeAt(this.#editor.ghosts, start, reach);
        return this.#editor.select(ghost?.key ?? null);
      }
      drag(start);
      this.#editor.settle();
      done();
    };
    return { drag, done, click };
  }
}

const inside = ({ x, y }) => x >= 0 && x < 1 && y >= 0 && y < 1;
