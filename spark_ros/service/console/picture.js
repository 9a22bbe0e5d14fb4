// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Bringing an image onto the stage, and saying so where that is not possible.

import { asText, byId, el, safeUrl } from './dom.js';

// Long enough that a second press of Enter cannot answer a question nobody has seen yet.
export const LOOK_FIRST_MS = 300;

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
   * Show an image, or a SparkAI `video`. `loadedUrl` is where it was already loaded from; every
   * signed URL is a new one.
   */
  async show(asked) {
    this.#asked = asked;
    this.#setSeen(false);
    const url = safeUrl(asked.url);
    if (asked.video) {
      this.#canvas.load(null).catch(() => {});
      this.#showCover('Shapes cannot be drawn on a video; answer in words.', url);
      if (url) this.#cover.prepend(el('video', { src: url, controls: '', preload: 'metadata' }));
    } else {
      this.#showCover('');
      try {
        await this.#canvas.load(asked.loadedUrl ?? url);
      } catch {
        if (this.#asked !== asked) return;
        this.#showCover('The image cannot be loaded. Try again, or flag the question.', url, true);
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
    this.#showCover('');
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

  #showCover(text, url = null, retry = false) {
    this.#cover.hidden = !text;
    this.#cover.replaceChildren();
    if (!text) return;
    const asked = this.#asked;
    const given = asText(asked.url);
    this.#cover.append(
      el('p', {}, text),
      url
        ? el('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, given)
        : el('bdi', { class: 'muted' }, given),
    );
    if (!retry) return;
    const button = el('button', { type: 'button' }, 'Try again');
    button.addEventListener('click', () => {
      if (this.#asked === asked) this.show({ ...asked, loadedUrl: null });
    });
    this.#cover.append(button);
  }
}
