// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Something that is done in a moment, once for all who ask for it until then.

export class Later {
  #action;
  #ms;
  #timer = null;

  constructor(action, ms) {
    this.#action = action;
    this.#ms = ms;
  }

  run() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#action();
    }, this.#ms);
  }
}
