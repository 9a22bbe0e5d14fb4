// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// When unfinished work is kept: a moment after what a person did, and when the page is left.

const PAUSE_MS = 300;
const MEANS = ['input', 'change', 'keyup', 'pointerup', 'pointercancel', 'click'];

/** Call `save` after changes, but never in the middle of a drag or of a key that is held. */
export function autosave(save) {
  const held = new Set();
  let timer = null;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (held.size) soon();
      else save();
    }, PAUSE_MS);
  };
  addEventListener('pointerdown', (event) => held.add(event.pointerId), { capture: true });
  for (const kind of ['pointerup', 'pointercancel']) {
    addEventListener(kind, (event) => held.delete(event.pointerId), { capture: true });
  }
  addEventListener('keydown', (event) => held.add(event.code), { capture: true });
  addEventListener('keyup', (event) => held.delete(event.code), { capture: true });
  // Where it is let go is not told any more.
  addEventListener('blur', () => held.clear());
  for (const kind of MEANS) addEventListener(kind, soon, { capture: true });
  for (const kind of ['pagehide', 'visibilitychange']) {
    addEventListener(kind, () => {
      if (kind === 'pagehide' || document.visibilityState === 'hidden') save();
    }, { capture: true });
  }
}
