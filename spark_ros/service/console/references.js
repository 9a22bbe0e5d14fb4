// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The reference images of a program: small in the panel, and one at a time beside the picture.

import { byId, el, ownPath, say } from './dom.js';
import { absent, showing, whenCome } from './media.js';
import { PanZoom } from './pan_zoom.js';
import { word } from './words.js';

const MOST_REFERENCES = 24;
const STEP = 1.5;
// There it lies over the picture, which has to be seen first; see review.css.
const NO_ROOM_BESIDE = '(width < 640px)';

export class References {
  #images = [];
  /** The number of the one beside the picture, or null; where there is room it stays for the
   * questions that follow. */
  #at = null;
  #shown = [];
  #beside = byId('beside');
  #frame = byId('beside-image');
  #zoom = new PanZoom(this.#frame);

  constructor() {
    const actions = {
      'beside-closer': () => this.#zoom.zoom(STEP),
      'beside-farther': () => this.#zoom.zoom(1 / STEP),
      'beside-fit': () => this.#zoom.fit(),
      'beside-next': () => this.#turnTo((this.#at + 1) % this.#images.length),
      'beside-hide': () => this.#turnTo(null),
    };
    for (const [id, action] of Object.entries(actions)) byId(id).addEventListener('click', action);
  }

  show(images) {
    this.#images = images.slice(0, MOST_REFERENCES);
    this.#shown = this.#images.map((item, at) => this.#makeItem(item, at));
    byId('references').replaceChildren(...this.#shown);
    if (matchMedia(NO_ROOM_BESIDE).matches) this.#at = null;
    if (this.#at !== null) this.#at = Math.min(this.#at, Math.max(this.#images.length - 1, 0));
    this.#place();
  }

  clear() {
    this.#images = [];
    this.#place();
  }

  /** Show the first beside the picture, then the next, at last none; false if there are none. */
  next() {
    if (!this.#images.length) return false;
    const next = this.#at === null ? 0 : this.#at + 1;
    this.#turnTo(next < this.#images.length ? next : null);
    return true;
  }

  #turnTo(at) {
    this.#at = at;
    this.#place();
  }

  #place() {
    const item = this.#at === null ? undefined : this.#images[this.#at];
    this.#beside.hidden = !item;
    this.#frame.replaceChildren();
    this.#shown.forEach((each, at) => {
      if (each.matches('button')) each.ariaPressed = String(item !== undefined && at === this.#at);
    });
    if (!item) return;
    const [at, n] = [this.#at + 1, this.#images.length];
    say(byId('beside-title'), word('reference.at', { at, n }));
    byId('beside-next').hidden = n < 2;
    this.#frame.append(showing('image', item, word('reference.name', { n: at })));
    this.#zoom.fit();
  }

  /** A button with the image in it, or what is said of one that is not here. */
  #makeItem(item, at) {
    const url = ownPath(item.url);
    if (!url) {
      const element = absent(item);
      whenCome(item, () => {
        this.#shown[at] = this.#makeItem(item, at);
        element.replaceWith(this.#shown[at]);
        this.#place();
      });
      return element;
    }
    const alt = word('reference.name', { n: at + 1 });
    const image = el('img', { src: url, alt, loading: 'lazy' });
    const button = el('button', { type: 'button', 'data-testid': 'reference' }, image);
    button.addEventListener('click', () => this.#turnTo(this.#at === at ? null : at));
    return button;
  }
}
