// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The form of a question with several images: another form shows one of them at a time, and one
// answer goes out with the marks on all of them.

import { NextPicture } from '../ahead.js';
import { byId, say } from '../dom.js';
import { word } from '../words.js';

export class SeveralImagesForm {
  #form;
  #strip;
  #question = null;
  /** Each as the service gave it, with what was done: `kept`, `answer` and `looked`. */
  #images = [];
  #at = 0;
  #response = '';
  #ahead = new NextPicture();

  /** `form` marks one image; `strip` is the filmstrip. */
  constructor(form, strip) {
    this.#form = form;
    this.#strip = strip;
  }

  get help() {
    return [[['[', ']'], word('images.keys')], ...this.#form.help];
  }

  get keys() {
    return {
      ...this.#form.keys,
      previousAttachment: () => this.#goTo(this.#at - 1),
      nextAttachment: () => this.#goTo(this.#at + 1),
    };
  }

  get submitsFromField() {
    return this.#form.submitsFromField;
  }

  get seen() {
    return this.#form.seen;
  }

  /** An answer is for all images, so none goes out before each was looked at. */
  get problem() {
    if (this.#unlooked >= 0) return word('images.unlooked');
    const marked = this.#images.some(({ answer }, at) => at !== this.#at && answer.shapes.length);
    return marked ? '' : this.#form.problem;
  }

  showProblem() {
    if (this.#unlooked >= 0) this.#goTo(this.#unlooked);
    else this.#form.showProblem();
  }

  /** `draft` is what `keep` gave. */
  show(question, draft) {
    this.#question = question;
    const before = new Map(draft?.images.map((image) => [image.id, image]));
    this.#images = question.images.map((image) => ({ ...image, ...before.get(image.id) }));
    this.#response = draft?.response ?? '';
    this.#strip.show(this.#images, (at) => {
      this.#goTo(at);
      this.focus();
    });
    const at = this.#images.findIndex(({ id }) => id === draft?.at);
    this.#open(Math.max(0, at));
  }

  focus() {
    this.#form.focus();
  }

  leaveField() {
    this.#form.leaveField();
  }

  keep() {
    this.#store();
    if (!this.#response && !this.#images.some(({ kept }) => kept)) return null;
    return {
      at: this.#images[this.#at].id,
      response: this.#response,
      images: this.#images.map(({ id, kept, answer, looked }) => ({ id, kept, answer, looked })),
    };
  }

  clear() {
    say(byId('submit-word'), word('panel.submit'));
    this.#form.clear();
    this.#strip.hide();
    this.#question = null;
  }

  settle() {
    this.#form.settle();
  }

  answer() {
    const { response, flags } = this.#form.answer();
    this.#store();
    const images = this.#images.map(({ id, answer }) => ({ id, shapes: answer.shapes }));
    return { images, response, flags };
  }

  /** The first other image that was not looked at, or -1. */
  get #unlooked() {
    return this.#images.findIndex(({ looked }, at) => !looked && at !== this.#at);
  }

  #goTo(at) {
    if (!this.#images[at] || at === this.#at) return false;
    this.#store();
    this.#open(at);
    this.#form.focus();
    return true;
  }

  /** Remember what was done to the image that is shown. */
  #store() {
    this.#form.settle();
    const image = this.#images[this.#at];
    image.looked ||= this.#form.seen;
    image.kept = this.#form.keep();
    image.answer = this.#form.answer();
    this.#response = image.answer.response;
  }

  #open(at) {
    this.#at = at;
    const { image, priors, kept } = this.#images[at];
    const draft = kept || this.#response ? { ...kept, response: this.#response } : undefined;
    this.#form.show({ ...this.#question, image, priors }, draft);
    const count = this.#images.length;
    say(byId('position'), word('images.position', { at: at + 1, n: count }));
    this.#strip.mark(at, this.#images.map(({ answer, looked }) => ({
      looked, marks: answer?.shapes.length ?? 0,
    })));
    const next = this.#unlooked >= 0 ? 'images.next' : 'panel.submit';
    say(byId('submit-word'), word(next));
    this.#ahead.fetch(this.#images[at + 1]);
  }
}
