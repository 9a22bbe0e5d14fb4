// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Runs in the console's page before its own scripts, and times what the operator sees.

globalThis.watch = (() => {
  const ROWS = 200;
  let enteredAt = 0;
  let otherKeysMs = 0;
  let pending = 0;
  let longestMs = 0;
  let seen = null;

  new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => {
    longestMs = Math.max(longestMs, duration);
  })).observe({ entryTypes: ['longtask'] });

  /** Resolve when the frame that is due has been painted, with the time. */
  const painted = () => new Promise((resolve) => {
    requestAnimationFrame(() => {
      // A message of a frame is handled after that frame was painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(performance.now());
      port2.postMessage(null);
    });
  });

  /** Resolve when something is so, and painted. */
  async function until(condition) {
    while (!condition()) await new Promise(requestAnimationFrame);
    return painted();
  }

  addEventListener('keydown', async ({ key, timeStamp }) => {
    if (key === 'Enter') {
      enteredAt = timeStamp;
      return;
    }
    pending += 1;
    otherKeysMs += await painted() - timeStamp;
    pending -= 1;
  }, { capture: true });

  const text = (selector) => document.querySelector(selector)?.textContent;
  const rows = until(() => document.querySelectorAll('[data-testid=question]').length >= ROWS);

  return {
    /** The milliseconds from the start of the page until its queue was painted. */
    rows,

    /** Expect a row, the first of the queue. */
    expectRow(title) {
      seen = until(() => text('[data-testid=question] .title') === title);
    },

    /** Expect a question on the stage: its words, its picture, its shapes. */
    expectQuestion(instructions, shapes) {
      const image = document.querySelector('[data-testid=image]');
      seen = until(() => text('[data-testid=instructions]') === instructions
        && image.complete && image.naturalWidth > 0
        && document.querySelectorAll('[data-testid=shape]').length === shapes);
    },

    /** The moment of the day at which what is expected was painted, in milliseconds. */
    whenSeen: async () => performance.timeOrigin + await seen,

    /** The milliseconds from the last Enter until what is expected was painted. */
    sinceEnter: async () => await seen - enteredAt,

    /** The milliseconds that all other keys took to be painted, since this was last called. */
    async takeKeysMs() {
      await until(() => pending === 0);
      const taken = otherKeysMs;
      otherKeysMs = 0;
      return taken;
    },

    /** The longest task since this was last called, in milliseconds; 0 if none took 50. */
    async takeLongestMs() {
      await painted();
      const taken = longestMs;
      longestMs = 0;
      return taken;
    },
  };
})();
