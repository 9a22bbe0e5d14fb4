// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The images of one question, small, side by side: which is open, and which were looked at.

import { el, ownPath, say } from './dom.js';
import { word } from './words.js';

export class Filmstrip {
  #element;
  #buttons = [];

  constructor(element) {
    this.#element = element;
  }

  /** `onChoose(index)` hears which image is wanted. */
  show(images, onChoose) {
    this.#buttons = images.map((image, at) => {
      const url = ownPath(image.thumbnail);
      const look = { src: url, alt: '', loading: 'lazy', draggable: 'false' };
      const picture = url ? [el('img', look)] : [];
      const button = el('button', { type: 'button', 'data-testid': 'film' }, ...picture,
        el('span', { 'aria-hidden': 'true' }, el('b', {}, String(at + 1)), el('i', {})));
      button.addEventListener('click', () => onChoose(at));
      return button;
    });
    this.#element.hidden = false;
    this.#element.replaceChildren(...this.#buttons);
  }

  /** `images`: of each, whether it was `looked` at, and how many `marks` it has. */
  mark(current, images) {
    images.forEach(({ looked, marks }, at) => {
      const button = this.#buttons[at];
      button.setAttribute('aria-current', String(at === current));
      const name = word('images.position', { at: at + 1, n: images.length });
      const said = looked ? word('images.looked', { n: marks }) : word('images.new');
      button.setAttribute('aria-label', `${name}, ${said}`);
      say(button.querySelector('i'), looked ? '✓' : '');
    });
    this.#buttons[current].scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  hide() {
    this.#element.hidden = true;
    this.#element.replaceChildren();
  }
}
