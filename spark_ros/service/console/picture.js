// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Bringing an image onto the stage, and saying so where that is not possible.

import { byId, el, ownPath } from './dom.js';
import { absent, whenCome } from './media.js';
import { word } from './words.js';

// Long enough that a second press or tap cannot answer a question nobody has seen yet.
export const LOOK_FIRST_MS = 500;

export class Picture {
  #canvas;
  #cover = byId('cover');
  #onSeen;
  #asked = null;

  /** Whether the operator had a chance to look at it. */
  seen = false;

  constructor(canvas, onSeen) {
    this.#canvas = canvas;
    this.#onSeen = onSeen;
  }

  /**
   * Show an image; of a SparkAI `video`, the player. `again` shows a file that has to be fetched
   * first, once it is here.
   */
  async show(file, { video = false, again = () => this.show(file, { video }) } = {}) {
    const asked = { file };
    this.#asked = asked;
    this.#setSeen(false);
    const url = ownPath(file.url);
    if (!url || video) this.#canvas.load(null).catch(() => {});
    if (!url) {
      const nothing = file.state === 'waiting' ? [] : [el('p', {}, word('picture.not-here'))];
      this.#showCover(absent(file), ...nothing);
      whenCome(file, () => this.#asked === asked && again());
      // What is elsewhere can be looked at there; what is nowhere can only be flagged.
      if (file.state !== 'link') return;
    } else if (video) {
      this.#showCover(
        el('video', { src: url, controls: '', preload: 'metadata' }),
        el('p', {}, word('picture.video')),
      );
    } else {
      this.#showCover();
      try {
        await this.#canvas.load(url);
      } catch {
        if (this.#asked === asked) this.#showRetry(file);
        return;
      }
    }
    this.#seenSoon(asked);
  }

  /** Show another medium in the place of an image; see medium.js. */
  place(medium) {
    const asked = { medium };
    this.#asked = asked;
    this.#setSeen(false);
    this.#showCover();
    this.#canvas.place(medium);
    this.#seenSoon(asked);
  }

  #seenSoon(asked) {
    setTimeout(() => this.#asked === asked && this.#setSeen(true), LOOK_FIRST_MS);
  }

  clear() {
    this.#asked = null;
    this.#canvas.load(null).catch(() => {});
    this.#setSeen(false);
  }

  #setSeen(seen) {
    this.seen = seen;
    this.#onSeen();
  }

  #showCover(...parts) {
    this.#cover.hidden = !parts.length;
    this.#cover.replaceChildren(...parts);
  }

  #showRetry(file) {
    const button = el('button', { type: 'button' }, word('picture.again'));
    button.addEventListener('click', () => this.show(file));
    this.#showCover(
      el('p', {}, word('picture.fails')), button);
  }
}
