// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What was begun on a question: kept while it is open, shown or offered when it is open again.

import { Drafts } from './drafts.js';
import { closeOffer, offerDraft } from './offer.js';

export class UnfinishedWork {
  #drafts = new Drafts();
  #offering = false;
  /** The question that was answered and is shown until the next one is here, or null. */
  #finished = null;

  /** Whether it was said who works here; before that, nothing is found of an earlier page. */
  operatorKnown = false;

  setOperator(operator) {
    this.operatorKnown = true;
    this.#drafts.setOperator(operator);
  }

  /** Keep what was done to a question, in case the page ends or it is open here again. */
  keep(question, form) {
    // What is offered would be replaced by what is not begun yet.
    if (!question || this.#offering || question.id === this.#finished) return;
    this.#drafts.keep(question.id, form.keep());
  }

  /** Show a question with what this page kept of it; offer what an earlier page kept. */
  show(question, form, isOpen) {
    this.#finished = null;
    const draft = this.#drafts.find(question.id);
    if (draft?.here) this.#use(question, form, draft.value);
    else form.show(question);
    if (draft && !draft.here) this.#offer(question, form, draft, isOpen);
  }

  /** Take what an earlier page kept as this page's: it is shown without asking. */
  adopt(id) {
    this.#drafts.adopt(id);
  }

  remove(id) {
    this.#drafts.remove(id);
  }

  /** Remove what was done to the question that is shown, and keep no more of it: it is answered. */
  finish(id) {
    this.#finished = id;
    this.remove(id);
  }

  clear() {
    this.#drafts.clear();
  }

  closeOffer() {
    closeOffer();
  }

  async #offer(question, form, draft, isOpen) {
    this.#offering = true;
    const wanted = await offerDraft((Date.now() - draft.at) / 1000);
    this.#offering = false;
    // It stays for the next time.
    if (!isOpen()) return;
    if (wanted) {
      form.clear();
      this.#use(question, form, draft.value);
    } else {
      this.#drafts.remove(question.id);
    }
    form.focus();
  }

  #use(question, form, value) {
    try {
      form.show(question, value);
      this.#drafts.keep(question.id, value);
    } catch (error) {
      // Of another version of the console.
      this.#drafts.remove(question.id);
      form.clear();
      form.show(question);
      console.warn(error);
    }
  }
}
