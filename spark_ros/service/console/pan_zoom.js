// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Looking closer at an element that fills its frame: by wheel, drag, two fingers and buttons.

import { pinched, wheelFactor, zoomedAt } from './view.js';

const LIMITS = [1, 12];
const FITTED = { scale: 1, x: 0, y: 0 };

/** Keep a part of the element in a frame of `size`. */
function keptInside({ scale, x, y }, { width, height }) {
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
      this.zoom(wheelFactor(event), this.#place(event));
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
    this.#show(zoomedAt(this.#view, factor, point, LIMITS));
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
    const before = [...this.#fingers.values()];
    this.#fingers.set(event.pointerId, this.#place(event));
    this.#show(pinched(this.#view, before, [...this.#fingers.values()], LIMITS));
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
