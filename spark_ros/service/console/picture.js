// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Bringing a question's image onto the stage, and saying so where that is not possible.

import { asText, byId, el, safeUrl } from './dom.js';

// Long enough that a second press of Enter cannot answer a question nobody has seen yet.
const LOOK_FIRST_MS = 300;

export class Picture {
  #canvas;
  #cover = byId('cover');
  #onSeen;
  #question = null;

  /** Whether the operator had a chance to look at it. */
  seen = false;

  constructor(canvas, onSeen) {
    this.#canvas = canvas;
    this.#onSeen = onSeen;
  }

  /** `loadedUrl`: where the image was already loaded from; every signed URL is a new one. */
  async show(question, loadedUrl = null) {
    this.#question = question;
    this.#setSeen(false);
    const url = safeUrl(question.image_url);
    if (question.content_type === 'video') {
      this.#canvas.load(null).catch(() => {});
      this.#showCover('Shapes cannot be drawn on a video; answer in words.', url);
      if (url) this.#cover.prepend(el('video', { src: url, controls: '', preload: 'metadata' }));
    } else {
      this.#showCover('');
      try {
        await this.#canvas.load(loadedUrl ?? url);
      } catch {
        if (this.#question !== question) return;
        this.#showCover('The image cannot be loaded. Try again, or flag the question.', url, true);
        return;
      }
    }
    setTimeout(() => this.#question === question && this.#setSeen(true), LOOK_FIRST_MS);
  }

  clear() {
    this.#question = null;
    this.#canvas.clear();
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
    const question = this.#question;
    const given = asText(question.image_url);
    this.#cover.append(
      el('p', {}, text),
      url
        ? el('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, given)
        : el('bdi', { class: 'muted' }, given),
    );
    if (!retry) return;
    const button = el('button', { type: 'button' }, 'Try again');
    button.addEventListener('click', () => this.#question === question && this.show(question));
    this.#cover.append(button);
  }
}
