// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The answer that was just given and can still be taken back: for how long, and the button.

import { byId, say } from './dom.js';
import { word } from './words.js';

const TICK_MS = 250;

export class UndoSent {
  #held = new Map();
  #changedAt = -Infinity;
  #onUndo;
  #onSent;

  /** `onUndo(id)`: it is to be taken back; `onSent(id)`: it cannot be any more. */
  constructor({ onUndo, onSent }) {
    this.#onUndo = onUndo;
    this.#onSent = onSent;
    byId('undo-sent').addEventListener('click', () => this.undo());
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** An answer is sent after so many seconds. */
  hold(id, seconds) {
    this.#changedAt = performance.now();
    this.#held.set(id, performance.now() + seconds * 1000);
    this.#tick();
  }

  /** What the service holds back, after a reload, too; `askedAt` is when it was asked. */
  apply(held, askedAt) {
    // What has come of one since then is not in it.
    if (askedAt < this.#changedAt) return;
    for (const { id, left_s: left } of held) {
      if (left > 0 && !this.#held.has(id)) this.hold(id, left);
    }
  }

  drop(id) {
    this.#changedAt = performance.now();
    this.#held.delete(id);
    this.#tick();
  }

  has(id) {
    return this.#held.has(id);
  }

  /** Take the last one back; false where there is none. */
  undo() {
    const id = this.#last;
    if (id === undefined) return false;
    this.#onUndo(id);
    return true;
  }

  get #last() {
    return [...this.#held.keys()].at(-1);
  }

  #tick() {
    const now = performance.now();
    for (const [id, due] of this.#held) {
      if (due > now) continue;
      this.#held.delete(id);
      this.#onSent(id);
    }
    const id = this.#last;
    byId('held').hidden = id === undefined;
    if (id === undefined) return;
    const seconds = Math.ceil((this.#held.get(id) - now) / 1000);
    say(byId('held-left'), word('held.left', { n: seconds }));
  }
}
