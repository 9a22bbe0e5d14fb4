// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The browser's notification that something waits, for operators who are looking elsewhere.

import { word } from './words.js';

export class Notifications {
  #button;
  #waiting = 0;

  /** `button` asks for the permission; it is only there while that can be asked for. */
  constructor(button) {
    this.#button = button;
    button.addEventListener('click', async () => {
      await Notification.requestPermission();
      this.#offer();
    });
    this.#offer();
  }

  /** Tell how many wait that this operator could open. */
  tell(waiting) {
    const more = waiting > this.#waiting;
    this.#waiting = waiting;
    if (more && document.hidden) this.#notify(waiting);
  }

  #offer() {
    this.#button.hidden = globalThis.Notification?.permission !== 'default';
  }

  #notify(n) {
    if (globalThis.Notification?.permission !== 'granted') return;
    let shown;
    try {
      // A tag, so that a newer one takes the place of the last.
      const body = word('notify.waiting', { n });
      shown = new Notification(word('notify.title'), { body, tag: 'queue' });
    } catch {
      // Browsers of phones show none for a page.
      return;
    }
    shown.addEventListener('click', () => {
      focus();
      shown.close();
    });
  }
}
