// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Looking closer at the pictures that are no canvas: those of choices, texts and ratings.

import { byId, el } from './dom.js';
import { PanZoom } from './pan_zoom.js';
import { word } from './words.js';

const STEP = 1.25;
const PICTURES = '#viewer img, #answer img';

export class Closer {
  #frame = el('div', { class: 'frame', tabindex: '0', 'data-testid': 'closer-frame' });
  #zoom = new PanZoom(this.#frame);
  #pictures = [];
  #at = 0;
  #said = el('p', { role: 'status', 'data-testid': 'closer-name' });
  #others = [];
  #opener = this.#button('closer', 'canvas.closer', 'M', () => this.open());
  #dialog;

  #keys = {
    '+': () => this.#zoom.zoom(STEP), '=': () => this.#zoom.zoom(STEP),
    '-': () => this.#zoom.zoom(1 / STEP), 0: () => this.#zoom.fit(),
    ArrowLeft: () => this.#show(this.#at - 1), ArrowRight: () => this.#show(this.#at + 1),
    z: () => this.#dialog.close(), Z: () => this.#dialog.close(),
  };

  constructor() {
    this.#others = [
      this.#button('closer-before', 'canvas.before', '←', this.#keys.ArrowLeft),
      this.#button('closer-next', 'canvas.next', '→', this.#keys.ArrowRight),
    ];
    this.#dialog = el('dialog', {
      class: 'closer', 'data-testid': 'closer-dialog', 'aria-label': word('canvas.closer'),
    }, this.#frame, el('div', { class: 'actions' }, this.#said, ...this.#others,
      this.#button('closer-out', 'canvas.zoom-out', '-', this.#keys['-']),
      this.#button('closer-in', 'canvas.zoom-in', '+', this.#keys['+']),
      this.#button('closer-fit', 'canvas.fit', '0', this.#keys[0]),
      this.#button('closer-close', 'canvas.close', 'Esc', () => this.#dialog.close())));
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || !Object.hasOwn(this.#keys, event.key)) return;
      event.preventDefault();
      this.#keys[event.key]();
    });
    this.#opener.classList.add('closer-opener');
    this.#opener.hidden = true;
    byId('viewer').after(this.#opener);
    document.body.append(this.#dialog);
    byId('viewer').addEventListener('click', ({ target }) => {
      if (target.matches('img') && !target.closest('button')) this.open(target);
    });
    // What is fetched comes later, and a picture that cannot be loaded goes.
    const look = new MutationObserver(() => (this.#opener.hidden = !this.#found().length));
    for (const id of ['viewer', 'answer']) {
      look.observe(byId(id), { childList: true, subtree: true, attributeFilter: ['hidden'] });
    }
  }

  /** Show a picture large: the one given, else that of the choice with the focus or the pointer. */
  open(picture = null) {
    this.#pictures = this.#found();
    if (!this.#pictures.length) return false;
    const meant = picture ?? this.#pictures.find((each) =>
      each.matches(':hover') || each.closest('button')?.matches(':focus, :hover'));
    this.#dialog.showModal();
    this.#show(Math.max(this.#pictures.indexOf(meant), 0));
    this.#frame.focus();
    return true;
  }

  #found() {
    return [...document.querySelectorAll(PICTURES)].filter((each) => !each.closest('[hidden]'));
  }

  #show(at) {
    if (!this.#pictures[at]) return;
    this.#at = at;
    const { src, alt } = this.#pictures[at];
    this.#frame.replaceChildren(el('img', { src, alt, draggable: 'false' }));
    this.#zoom.fit();
    this.#said.textContent = alt;
    for (const each of this.#others) each.hidden = this.#pictures.length < 2;
    this.#others[0].disabled = at === 0;
    this.#others[1].disabled = at === this.#pictures.length - 1;
    // A button that is disabled takes no keys, nor lets anything else have them.
    if (document.activeElement?.disabled) this.#frame.focus();
  }

  #button(id, name, key, action) {
    const made = el(
      'button', { type: 'button', 'data-testid': id }, `${word(name)} `, el('kbd', {}, key));
    made.addEventListener('click', () => action());
    return made;
  }
}
