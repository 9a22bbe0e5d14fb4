// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Something that takes a while, done once at a time.

export class OneByOne {
  #action;
  #running = null;
  #next = null;

  /** `action` returns a promise. */
  constructor(action) {
    this.#action = action;
  }

  get running() {
    return this.#running !== null;
  }

  /** Do it; the promise is for one that started after this call, which several calls may share. */
  run() {
    if (!this.#running) {
      this.#running = this.#action().finally(() => (this.#running = null));
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.run();
    });
    return this.#next;
  }
}
