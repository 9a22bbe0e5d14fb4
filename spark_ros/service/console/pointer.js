// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Mouse, pen and fingers on the image: select, move, resize, draw, pan, zoom.

import { GRIP_PX } from './handle.js';
import { bounds, boxBetween, clampPoint, contains, moved, nextOf, shapesAt } from './shapes.js';
import { wheelFactor } from './view.js';

const DRAG_STARTS_PX = 3;
const NOT_THE_IMAGE = 'button, .cover, .tools';
const REACH_PX = 5;
const FINGER_PX = 14;
const CLOSES_PX = 9;
const SMALLEST_PX = 2;

export class Pointer {
  #stage;
  #canvas;
  #editor;
  #newShape;
  #drawing;
  #handles;
  #gesture = null;
  #panning = false;
  /** The newest event of each finger, and whether two of them have the image. */
  #fingers = new Map();
  #pinching = false;
  /** Where the pointer was last, as a fraction of the image, or null. */
  #last = null;

  /**
   * `newShape()` gives the fields of what a drag draws, its type among them, or null where nothing
   * may be; `drawing` draws what was chosen, `handles` knows what a handle does.
   */
  constructor(stage, canvas, editor, { newShape, onDrawn, drawing, handles }) {
    this.#stage = stage;
    this.#canvas = canvas;
    this.#editor = editor;
    this.#newShape = newShape;
    this.#drawing = drawing;
    this.#handles = handles;
    this.onDrawn = onDrawn;
    // Else the browser makes a gesture of a quick drag, and takes the next tap for its end.
    stage.addEventListener('touchstart', (event) => {
      if (!event.target.closest(NOT_THE_IMAGE)) event.preventDefault();
    }, { passive: false });
    stage.addEventListener('pointerdown', (event) => this.#down(event));
    stage.addEventListener('pointermove', (event) => this.#move(event));
    stage.addEventListener('pointerup', (event) => this.#up(event));
    stage.addEventListener('pointercancel', (event) => {
      this.#lift(event);
      this.cancel();
    });
    stage.addEventListener('pointerleave', () => (this.#last = null));
    stage.addEventListener('dblclick', () => {
      if (this.#drawing.type === 'polygon') this.#drawing.complete();
    });
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
  }

  /** Whether a mere click places a shape. */
  clickPlaces = false;

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

  /** Select the next of the shapes that lie on each other under the pointer or the selected one. */
  cycle(direction) {
    if (!this.#canvas.ready) return false;
    const reach = this.#canvas.screenReach(REACH_PX);
    const under = (point) => (point ? shapesAt(this.#canvas.shown, point, reach) : []);
    const { selected } = this.#editor;
    let found = under(this.#last);
    if (!found.length && selected) found = under(centreOf(selected));
    const next = nextOf(found, this.#editor.selectedKey, direction);
    if (next) this.#editor.select(next.key);
    return next !== null;
  }

  #down(event) {
    if (event.target.closest(NOT_THE_IMAGE) || !this.#canvas.ready) return;
    if (event.pointerType === 'touch' && this.#pinch(event)) return;
    if (!event.isPrimary || this.#gesture) return;
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
    if (this.#drawing.type !== null) return this.#place(event);
    const selected = this.#editor.selected;
    const handle = event.target.dataset?.handle;
    if (handle && selected) return this.#resize(selected, handle, start);
    const reach = this.#canvas.screenReach(event.pointerType === 'touch' ? FINGER_PX : REACH_PX);
    const [hit] = shapesAt(this.#canvas.shown, start, reach);
    if (!hit) return this.#draw(start);
    if (selected && contains(selected, start, reach)) {
      // A drag moves what is selected; a mere click reaches for the smaller shape on top of it.
      return { ...this.#moveShape(selected, start), click: () => this.#editor.select(hit.key) };
    }
    this.#editor.select(hit.key);
    // What is large may be meant as a mere background: it moves once it is selected.
    return hit.type === 'dot' ? this.#moveShape(hit, start) : { drag: () => {} };
  }

  /** Put a point of what is being drawn where the pointer is let go; a drag draws a whole box. */
  #place(event) {
    const start = this.#canvas.pointOf(event);
    const closesPx = event.pointerType === 'touch' ? GRIP_PX / 2 : CLOSES_PX;
    this.#drawing.aim(start);
    const place = () => this.#drawing.place(closesPx);
    if (this.#drawing.type === 'bounding_box') return { ...this.#draw(start), click: place };
    return { drag: (point) => this.#drawing.aim(point), click: place, done: place };
  }

  #move(event) {
    if (this.#pinch(event) || !this.#canvas.ready) return;
    this.#last = this.#canvas.pointOf(event);
    const gesture = this.#gesture;
    if (!gesture && this.#drawing.type !== null) this.#drawing.aim(this.#last);
    if (!gesture || event.pointerId !== gesture.pointerId) return;
    const far = Math.hypot(event.clientX - gesture.from.x, event.clientY - gesture.from.y);
    if (!gesture.dragging && far < DRAG_STARTS_PX) return;
    gesture.dragging = true;
    gesture.drag(this.#canvas.pointOf(event), event);
  }

  /** Note where a finger is; true while two of them, or what is left of two, have the image. */
  #pinch(event) {
    if (event.pointerType !== 'touch') return false;
    const before = [...this.#fingers.values()];
    if (event.type === 'pointermove' && !this.#fingers.has(event.pointerId)) return false;
    this.#fingers.set(event.pointerId, event);
    const after = [...this.#fingers.values()];
    if (event.type === 'pointerdown' && after.length === 2) {
      this.cancel();
      this.#pinching = true;
    } else if (this.#pinching && before.length === 2 && after.length === 2) {
      this.#canvas.pinch(before, after);
    }
    return this.#pinching;
  }

  #lift(event) {
    this.#fingers.delete(event.pointerId);
    if (!this.#fingers.size) this.#pinching = false;
  }

  #up(event) {
    this.#lift(event);
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
    this.#canvas.zoom(wheelFactor(event), event);
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
    return {
      drag: (point) => this.#editor.preview(shape.key, {
        vertices: this.#handles.dragged(shape, handle, point.x - start.x, point.y - start.y),
      }),
      click: () => {
        if (handle.startsWith('m')) this.#handles.addVertex(handle);
        else if (handle.startsWith('v')) this.#handles.take(handle);
      },
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
      this.#drawing.stop();
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
        const [ghost] = shapesAt(this.#editor.ghosts, start, reach);
        return this.#editor.select(ghost?.key ?? null);
      }
      drag(start);
      this.#editor.settle();
      done();
    };
    return { drag, done, click };
  }
}

function centreOf({ vertices }) {
  const { left, top, right, bottom } = bounds(vertices);
  return { x: (left + right) / 2, y: (top + bottom) / 2 };
}

const inside = ({ x, y }) => x >= 0 && x < 1 && y >= 0 && y < 1;
