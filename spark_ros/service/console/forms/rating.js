// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A rating on a scale, by slider or as a number.

import { clipped, el, say } from '../dom.js';
import { word } from '../words.js';

const DIGITS = 12;
const TOLERANCE = 1e-6;

export class Rating {
  #prompt;
  #slider;
  #field;
  #hint = el('p', { class: 'hint', 'data-testid': 'hint', role: 'status' });
  #text = '';

  wide = null;
  submitsFromField = true;
  help = [
    [['←', '→'], word('rating.help-step')],
    [['0', '…', '9'], word('rating.help-type')],
  ];
  keys = {
    // The digit itself then goes into the field that has the focus now.
    digit: () => (this.#typeAnew(), false),
    fit: () => (this.#typeAnew(), false),
    zoomOut: () => (this.#typeAnew(), false),
    stepOn: () => (this.#typeAnew(), false),
    nudge: (dx, dy) => this.#nudge(dx - dy),
    respond: () => this.#field.focus(),
  };

  constructor(prompt, { onChange, onDone }) {
    this.#prompt = prompt;
    const { rating_min: min, rating_max: max, rating_step: step } = prompt;
    this.#slider = el('input', {
      type: 'range', min, max: this.#top, step, 'aria-label': word('rating.rating'),
      'data-testid': 'slider',
    });
    this.#field = el('input', {
      type: 'text', inputmode: 'decimal', autocomplete: 'off',
      'aria-label': word('rating.number'), placeholder: '–', 'data-testid': 'rating-number',
    });
    const changed = (text) => {
      this.#show(text);
      onChange();
    };
    this.#slider.addEventListener('input', () => changed(tidy(this.#slider.valueAsNumber)));
    // A press where the slider already stands is a choice, too; a finger's makes no click there.
    for (const pressed of ['pointerup', 'click']) {
      this.#slider.addEventListener(pressed, () => {
        if (this.#text === '') changed(tidy(this.#slider.valueAsNumber));
      });
    }
    this.#field.addEventListener('input', () => changed(this.#field.value.trim()));
    for (const input of [this.#slider, this.#field]) input.addEventListener('change', onDone);
    this.#onNudge = (text) => {
      changed(text);
      onDone();
    };
    this.element = el('div', { class: 'answer rating' },
      el('div', { class: 'row' }, this.#slider, this.#field),
      el('div', { class: 'ends' }, end(prompt.label_min, min), end(prompt.label_max, max)),
      this.#hint);
    this.#show('');
    this.value = null;
  }

  #onNudge;

  get value() {
    return this.#text === '' ? null : Number(this.#text);
  }

  set value(number) {
    if (number === null || number === undefined) {
      this.#slider.value = (this.#prompt.rating_min + this.#prompt.rating_max) / 2;
    }
    // While something like a lone minus is typed, the value is no number yet.
    if (!Object.is(this.value, number ?? null)) this.#show(tidy(number));
  }

  get problem() {
    return this.problemOf(this.value);
  }

  problemOf(value) {
    const { rating_min: min, rating_max: max, rating_step: step } = this.#prompt;
    if (value === null || value === undefined) {
      return word('rating.choose', { min: tidy(min), max: tidy(max) });
    }
    if (!Number.isFinite(value)) return word('text.no-number');
    if (value < min || value > max) {
      return word('rating.scale', { min: tidy(min), max: tidy(max) });
    }
    const steps = (value - min) / step;
    if (Math.abs(steps - Math.round(steps)) > TOLERANCE) {
      return word('rating.steps', {
        step: tidy(step),
        below: this.#near(Math.floor(steps)),
        above: this.#near(Math.min(Math.ceil(steps), this.#steps)),
      });
    }
    return '';
  }

  get words() {
    return this.#text;
  }

  focus() {
    this.#slider.focus({ preventScroll: true });
  }

  clear() {}

  get #steps() {
    const { rating_min: min, rating_max: max, rating_step: step } = this.#prompt;
    return Math.floor((max - min) / step + TOLERANCE);
  }

  get #top() {
    return this.#near(this.#steps);
  }

  #near(steps) {
    return tidy(this.#prompt.rating_min + steps * this.#prompt.rating_step);
  }

  #nudge(steps) {
    const { rating_min: min, rating_step: step } = this.#prompt;
    const from = this.#text === '' ? this.#slider.valueAsNumber : Number(this.#text);
    const at = Math.round((from - min) / step) + (this.#text === '' ? 0 : steps);
    if (Number.isFinite(at)) this.#onNudge(this.#near(Math.min(Math.max(at, 0), this.#steps)));
  }

  #typeAnew() {
    this.#field.focus({ preventScroll: true });
    this.#field.select();
  }

  #show(text) {
    this.#text = text;
    if (this.#field.value.trim() !== text) this.#field.value = text;
    const value = Number(text);
    if (text !== '' && Number.isFinite(value)) this.#slider.value = value;
    this.#slider.classList.toggle('unset', text === '');
    say(this.#hint, text === '' ? '' : this.problem);
    this.#field.setAttribute('aria-invalid', String(this.#hint.textContent !== ''));
  }
}

function end(label, value) {
  return el('span', { 'data-testid': 'rating-end' },
    el('b', {}, tidy(value)), label ? el('bdi', {}, clipped(label, 120)) : '');
}

/** Without the noise that steps of 0.1 leave behind. */
const tidy = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(DIGITS))) : '');
