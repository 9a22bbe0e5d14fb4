// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// One thing at a time: what is begun meanwhile is not done.

export class OneThing {
  #onChange;
  #last = null;

  busy = false;

  /** `onChange` is called when something begins and when it has ended. */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  async run(action) {
    if (this.busy) return;
    this.busy = true;
    this.#onChange();
    try {
      await action();
    } finally {
      this.busy = false;
      this.#onChange();
      const last = this.#last;
      this.#last = null;
      last?.();
    }
  }

  /** Call this when nothing is being done; only the last of several is called. */
  whenFree(action) {
    if (this.busy) this.#last = action;
    else action();
  }
}
