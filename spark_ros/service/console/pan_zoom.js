// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Looking closer at an element that fills its frame: by wheel, drag, two fingers and buttons.

const MAX_SCALE = 12;
const ZOOM_PER_WHEEL_PX = 0.0015;
export const FITTED = { scale: 1, x: 0, y: 0 };

/** Zoom by `factor` so that the point of the frame keeps its place; never smaller than fitted. */
export function zoomedAt({ scale, x, y }, factor, point) {
  const next = Math.min(Math.max(scale * factor, 1), MAX_SCALE);
  if (next === 1) return FITTED;
  const ratio = next / scale;
  return { scale: next, x: point.x - (point.x - x) * ratio, y: point.y - (point.y - y) * ratio };
}

/** Keep a part of the element in a frame of `size`. */
export function keptInside({ scale, x, y }, { width, height }) {
  const within = (value, length) => Math.min(Math.max(value, length * (1 - scale)), 0);
  return { scale, x: within(x, width), y: within(y, height) };
}

export class PanZoom {
  #frame;
  #view = FITTED;
  #fingers = new Map();

  /** Of all that lies in `frame`, now or later. */
  constructor(frame) {
    this.#frame = frame;
    frame.addEventListener('wheel', (event) => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      this.zoom(Math.exp(-event.deltaY * pixels * ZOOM_PER_WHEEL_PX), this.#place(event));
    }, { passive: false });
    frame.addEventListener('pointerdown', (event) => {
      if (event.target.closest('a, button')) return;
      frame.setPointerCapture(event.pointerId);
      this.#fingers.set(event.pointerId, this.#place(event));
    });
    frame.addEventListener('pointermove', (event) => this.#move(event));
    for (const kind of ['pointerup', 'pointercancel']) {
      frame.addEventListener(kind, ({ pointerId }) => this.#fingers.delete(pointerId));
    }
    frame.addEventListener('dblclick', () => this.fit());
  }

  fit() {
    this.#show(FITTED);
  }

  zoom(factor, point = this.#middle) {
    this.#show(zoomedAt(this.#view, factor, point));
  }

  get #middle() {
    return { x: this.#frame.clientWidth / 2, y: this.#frame.clientHeight / 2 };
  }

  #place({ clientX, clientY }) {
    const { left, top } = this.#frame.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #move(event) {
    if (!this.#fingers.has(event.pointerId)) return;
    const before = pair([...this.#fingers.values()]);
    this.#fingers.set(event.pointerId, this.#place(event));
    const after = pair([...this.#fingers.values()]);
    const view = {
      ...this.#view,
      x: this.#view.x + after.x - before.x, y: this.#view.y + after.y - before.y,
    };
    const factor = before.apart && after.apart ? after.apart / before.apart : 1;
    this.#show(factor === 1 ? view : zoomedAt(view, factor, after));
  }

  #show(view) {
    const { clientWidth: width, clientHeight: height } = this.#frame;
    this.#view = keptInside(view, { width, height });
    const { scale, x, y } = this.#view;
    for (const element of this.#frame.children) {
      element.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    }
  }
}

/** The middle of one or two fingers, and how far apart they are. */
function pair([a, b = a]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
}
