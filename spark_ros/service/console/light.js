// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Brightness and contrast of the picture: for looking only, and back to normal with each question.

import { el } from './dom.js';
import { word } from './words.js';

const NORMAL = 100;
const NAMES = { brightness: 'canvas.brightness', contrast: 'canvas.contrast' };
const RANGES = { brightness: [20, 300], contrast: [20, 400] };

export class Light {
  #stage;
  #inputs = {};
  #sliders;

  button = el('button', {
    type: 'button', 'aria-expanded': 'false', 'data-testid': 'light',
  }, word('canvas.light'));

  constructor(stage) {
    this.#stage = stage;
    for (const [name, [min, max]] of Object.entries(RANGES)) {
      const input = el('input', {
        type: 'range', min, max, value: NORMAL, step: 10, 'data-testid': name,
      });
      input.addEventListener('input', () => this.#show());
      this.#inputs[name] = input;
    }
    const reset = el(
      'button', { type: 'button', 'data-testid': 'light-reset' }, word('canvas.normal'));
    reset.addEventListener('click', () => this.reset());
    this.#sliders = el('div', { class: 'tools light', hidden: '' },
      ...Object.entries(this.#inputs).map(([name, input]) =>
        el('label', {}, word(NAMES[name]), input)), reset);
    this.button.addEventListener('click', () => this.#open(this.#sliders.hidden));
    stage.append(this.#sliders);
  }

  /** Put the sliders away; false where they are. */
  dismiss() {
    if (this.#sliders.hidden) return false;
    this.#open(false);
    this.button.focus();
    return true;
  }

  /** As the picture is, with the sliders away. */
  close() {
    this.#open(false);
    this.reset();
  }

  reset() {
    for (const input of Object.values(this.#inputs)) input.value = NORMAL;
    this.#show();
  }

  #open(on) {
    this.#sliders.hidden = !on;
    this.button.setAttribute('aria-expanded', String(on));
  }

  #show() {
    const set = Object.entries(this.#inputs).filter(([, { value }]) => Number(value) !== NORMAL);
    // No filter at all where none is needed: it costs time with each frame.
    this.#stage.style.setProperty(
      '--light', set.map(([name, { value }]) => `${name}(${value}%)`).join(' ') || 'none');
  }
}
