// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Choosing among text, image, video, audio or website choices; the first nine have a number key.

import { clipped, el } from '../dom.js';
import { showing } from '../media.js';
import { word } from '../words.js';

const LONGEST_TEXT = 1000;

export class Choices {
  #prompt;
  #onChange;
  #chosen = new Set();
  #buttons;

  submitsFromField = false;
  help = [[['1', '…', '9'], word('choice.help')]];
  keys = { digit: (index) => index < this.#buttons.length && this.#toggle(index) };

  /** `room`: whether choices that need room may lie in the middle of the page. */
  constructor(prompt, { onChange, room }) {
    this.#prompt = prompt;
    this.#onChange = onChange;
    this.#buttons = prompt.choices.map((choice, at) => this.#makeButton(choice, at));
    const cards = prompt.choices.map((choice, at) => this.#makeCard(choice, at));
    const list = el('div', {
      class: `choices ${prompt.choices_type}`, 'data-testid': 'choices',
      role: this.#single ? 'radiogroup' : 'group', 'aria-label': word('choice.list'),
    }, ...cards);
    const inMiddle = room && prompt.choices_type !== 'text';
    this.wide = inMiddle ? list : null;
    this.element = el('div', { class: 'answer' }, el('p', { class: 'muted' }, this.#asked()));
    if (!inMiddle) this.element.append(list);
    this.#mark();
  }

  get #single() {
    return this.#prompt.max_answers === 1;
  }

  get value() {
    const values = this.#prompt.choices.map(({ value }) => value);
    return values.filter((value) => this.#chosen.has(value));
  }

  set value(values) {
    this.#chosen = new Set(values ?? []);
    this.#mark();
  }

  get problem() {
    return this.problemOf(this.value);
  }

  problemOf(values) {
    const { min_answers: min } = this.#prompt;
    const made = values?.length ?? 0;
    if (made >= min) return '';
    return made ? `${this.#asked()} ${word('so-far', { n: made })}` : this.#asked();
  }

  get words() {
    return this.value.join(', ');
  }

  focus() {}

  clear() {}

  #asked() {
    const { min_answers: min, max_answers: max, choices } = this.#prompt;
    const most = max || choices.length;
    if (min === most) return min === 1 ? word('choice.one') : word('choice.exactly', { min });
    if (min > 0 && max) return word('choice.from-to', { min, max });
    if (min > 0) return word('choice.at-least', { n: min });
    if (max === 1) return word('choice.one-or-none');
    return max ? word('choice.up-to', { max }) : word('choice.any');
  }

  #toggle(at) {
    const { value } = this.#prompt.choices[at];
    const { max_answers: max } = this.#prompt;
    if (this.#chosen.has(value)) {
      this.#chosen.delete(value);
    } else if (this.#single) {
      this.#chosen = new Set([value]);
    } else if (max && this.#chosen.size >= max) {
      this.#onChange(word('choice.most', { n: max }));
      return;
    } else {
      this.#chosen.add(value);
    }
    this.#mark();
    this.#onChange();
  }

  #makeButton(choice, at) {
    const { choices_type: type } = this.#prompt;
    const button = el('button', {
      type: 'button', class: 'choice', role: this.#single ? 'radio' : 'checkbox',
      'data-testid': 'choice',
    }, el('span', { class: 'tick', 'aria-hidden': 'true' }));
    if (type === 'image') {
      button.append(showing('image', choice, word('choice.number', { n: at + 1 })));
    } else {
      const text = type === 'text' ? choice.value : word('choice.number', { n: at + 1 });
      button.append(el('bdi', {}, clipped(text, LONGEST_TEXT)));
    }
    if (at < 9) button.append(el('kbd', {}, String(at + 1)));
    button.addEventListener('click', () => this.#toggle(at));
    return button;
  }

  /** What can be played or read needs a place of its own beside the button. */
  #makeCard(choice, at) {
    const { choices_type: type } = this.#prompt;
    if (type === 'text' || type === 'image') return this.#buttons[at];
    const name = word('choice.number', { n: at + 1 });
    return el('div', { class: 'card' }, showing(type, choice, name), this.#buttons[at]);
  }

  #mark() {
    this.#prompt.choices.forEach(({ value }, at) =>
      this.#buttons[at].setAttribute('aria-checked', String(this.#chosen.has(value))));
  }
}
