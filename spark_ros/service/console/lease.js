// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Holding a claimed question: heartbeats while the operator is there, none when they are not.

import * as api from './api.js';

const DEFAULT_LEASE_S = 30;
const ABSENT_MS = 180_000;

export class Lease {
  #timer = null;
  #question = null;
  #lastActive = 0;
  #onLost;
  #onAbsent;

  /** `onLost(reason)`: somebody else has it; `onAbsent()`: nobody touched the console. */
  constructor({ onLost, onAbsent }) {
    this.#onLost = onLost;
    this.#onAbsent = onAbsent;
    for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel']) {
      addEventListener(kind, () => (this.#lastActive = Date.now()), { passive: true });
    }
    // Watching or listening is being there, too; these events do not bubble.
    addEventListener('timeupdate', () => (this.#lastActive = Date.now()), { capture: true });
    addEventListener('pagehide', () => this.release());
  }

  hold(question) {
    this.stop();
    this.#question = question;
    this.#lastActive = Date.now();
    const lease = question.lease_s > 0 ? question.lease_s : DEFAULT_LEASE_S;
    this.#timer = setInterval(() => this.beat(), (lease * 1000) / 3);
  }

  /** Forget it without telling the service: it is answered, flagged or gone. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#question = null;
  }

  /** Give it back to the queue. */
  async release() {
    const question = this.#question;
    this.stop();
    // If this does not arrive, the lease runs out by itself.
    if (question) await api.release(question.id).catch(() => {});
  }

  async beat() {
    const question = this.#question;
    if (!question) return;
    if (Date.now() - this.#lastActive > ABSENT_MS) {
      await this.release();
      this.#onAbsent();
      return;
    }
    try {
      await api.heartbeat(question.id);
    } catch (error) {
      if (error.status === 0 || error.status >= 500 || this.#question !== question) return;
      await this.#regain(question, error);
    }
  }

  async #regain(question, lost) {
    // The lease may have run out while the connection was down, with nobody else taking it.
    try {
      await api.claim(question.id);
    } catch (error) {
      if (error.status === 0 || this.#question !== question) return;
      this.stop();
      this.#onLost(error.message || lost.message);
    }
  }
}
