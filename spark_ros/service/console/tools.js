// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The bar of tools below the picture: what can be drawn, and how it is looked at.

import { byId, el } from './dom.js';
import { word } from './words.js';

const TYPES = { polygon: ['canvas.polygon', 'G'], dot: ['canvas.dot', 'D'] };

export class Tools {
  #types = {};
  #first = null;
  #done;
  #close;

  /** `actions`: the board's; `light`: what opens the sliders. */
  constructor(actions, light) {
    for (const [type, [name, key]] of Object.entries(TYPES)) {
      this.#types[type] = button(type, word(name), key, () => actions.drawType(type));
      this.#types[type].setAttribute('aria-pressed', 'false');
    }
    this.#done = button('finish', word('canvas.finish'), 'Enter', () => actions.finish());
    byId('draw').after(...Object.values(this.#types), this.#done);
    this.#close = [
      button('zoom-out', '−', null, actions.zoomOut, word('canvas.zoom-out')),
      button('zoom-in', '+', null, actions.zoomIn, word('canvas.zoom-in')),
      button('actual', '1:1', 'O', actions.actualSize, word('canvas.actual')),
      light,
    ];
    byId('fit').after(...this.#close);
    // They may need several rows; what lies above them asks how many.
    new ResizeObserver(() => byId('stage').parentElement.style.setProperty(
      '--tools', `${byId('tools').offsetHeight}px`)).observe(byId('tools'));
  }

  /** Offer these types; the first is what a mere drag or click draws. */
  offer(types) {
    this.#first = types[0] ?? null;
    for (const [type, each] of Object.entries(this.#types)) {
      each.hidden = type === this.#first || !types.includes(type);
    }
    for (const each of [byId('draw'), byId('fit'), ...this.#close]) each.hidden = !types.length;
    this.show(null);
  }

  /** What is being drawn, or null. */
  show(type) {
    byId('draw').setAttribute('aria-pressed', String(type !== null && type === this.#first));
    for (const [each, pressed] of Object.entries(this.#types)) {
      pressed.setAttribute('aria-pressed', String(type === each));
    }
    this.#done.hidden = type !== 'polygon';
  }
}

function button(id, text, key, action, name = null) {
  const made = el('button', { type: 'button', 'data-testid': id }, text);
  if (name) made.setAttribute('aria-label', name);
  if (key) made.append(' ', el('kbd', {}, key));
  made.addEventListener('click', () => action());
  return made;
}
