// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What comes with a question: a list to look at, or tabs to mark one after the other.

import { asText, el } from './dom.js';
import { showing } from './media.js';
import { word } from './words.js';

const DIAL = 'dial:';

const nameOf = (at, all) => (all.length > 1
  ? word('attachment.of', { n: at + 1, count: all.length })
  : word('attachment.only'));

/** All attachments below each other; telephone numbers are shown elsewhere. */
export function attachmentList({ attachments, attachments_type: type }) {
  const items = attachments.flatMap((item, at) => {
    if (type === 'text' && asText(item.text).startsWith(DIAL)) return [];
    const name = nameOf(at, attachments);
    const caption = attachments.length > 1 ? [el('figcaption', { class: 'muted' }, name)] : [];
    const figure = { class: `attachment ${type}`, 'data-testid': 'attachment' };
    return [el('figure', figure, ...caption, showing(type, item, name))];
  });
  return items.length ? [el('div', { class: 'attachments' }, ...items)] : [];
}

/** Tabs for `count` attachments; `onShow(index)` hears of another choice. */
export class Tabs {
  #buttons;
  #onShow;

  shown = 0;

  constructor(element, count, onShow) {
    this.#onShow = onShow;
    this.#buttons = Array.from({ length: count }, (_, at) => {
      const button = el('button', { type: 'button', role: 'tab', 'data-testid': 'tab' });
      button.addEventListener('click', () => this.show(at));
      return button;
    });
    element.hidden = count < 2;
    element.replaceChildren(...(count < 2 ? [] : this.#buttons));
    this.count([]);
  }

  show(at) {
    if (at < 0 || at >= this.#buttons.length) return false;
    this.shown = at;
    this.#buttons.forEach((button, index) =>
      button.setAttribute('aria-selected', String(index === at)));
    this.#onShow(at);
    return true;
  }

  /** `marks` of each attachment. */
  count(marks) {
    this.#buttons.forEach((button, at) => {
      button.replaceChildren(marks[at]
        ? word('attachment.marks', { at: at + 1, n: marks[at] })
        : word('attachment.number', { n: at + 1 }));
    });
  }
}
