// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A Heat question: what is attached in the middle, the answer's form in the panel.

import { attachmentList } from '../attachments.js';
import { dialling } from '../dial.js';
import { asText, byId, el, say } from '../dom.js';
import { LOOK_FIRST_MS } from '../picture.js';
import { word } from '../words.js';
import { Annotations } from './annotations.js';
import { answerFor } from './answer.js';

export class HeatForm {
  #board;
  #picture;
  #onSeen;
  #question = null;
  #answer = null;
  #lookedAt = false;
  #edited = false;

  /** `onSeen()` hears when the operator had a chance to look at the question. */
  constructor({ board, picture, onSeen }) {
    this.#board = board;
    this.#picture = picture;
    this.#onSeen = onSeen;
  }

  get keys() {
    return this.#answer.keys;
  }

  get help() {
    return this.#answer.help;
  }

  get seen() {
    return this.#lookedAt && (this.#answer.seen ?? true);
  }

  get problem() {
    return this.#answer.problem;
  }

  get submitsFromField() {
    return this.#answer.submitsFromField;
  }

  show(question, draft) {
    this.#question = question;
    this.#edited = false;
    this.#lookedAt = false;
    setTimeout(() => {
      if (this.#question !== question) return;
      this.#lookedAt = true;
      this.#onSeen();
    }, LOOK_FIRST_MS);
    const onChange = (hint) => {
      this.#edited = true;
      this.#update(hint);
    };
    this.#answer = question.prompt.kind === 'annotations' || question.kind.startsWith('annotations')
      ? new Annotations(question, { board: this.#board, picture: this.#picture, onChange })
      : this.#makePlain(question, onChange);
    if (this.#answer.start) this.#answer.start(draft?.value);
    else if (draft) this.#answer.value = draft.value;
    this.#edited = Boolean(draft);
    this.#showDial(question.dial ?? []);
    byId('answer').replaceChildren(this.#answer.element);
    byId('answer-section').hidden = false;
    byId('excluded').hidden = !question.excluded;
    say(byId('excluded'), question.excluded ? word('heat.excluded') : '');
    this.#update();
  }

  focus() {
    byId('viewer').focus({ preventScroll: true });
    this.#answer.focus();
  }

  leaveField() {
    if (this.#answer.leave) this.#answer.leave();
    else byId('viewer').focus({ preventScroll: true });
  }

  settle() {
    this.#answer.settle?.();
  }

  keep() {
    return this.#edited ? { value: this.#answer.draft ?? this.#answer.value } : null;
  }

  showProblem() {
    this.#answer.showProblem?.();
    this.#update(this.problem);
  }

  answer() {
    return { response: this.#answer.value };
  }

  clear() {
    this.#answer?.clear();
    this.#question = null;
    for (const id of ['answer-section', 'dial-section', 'excluded', 'viewer', 'tabs']) {
      byId(id).hidden = true;
    }
    // Nothing goes on playing, and no frame stays alive, behind another question.
    for (const id of ['answer', 'dial', 'viewer', 'tabs']) byId(id).replaceChildren();
    byId('summary').classList.remove('problem');
  }

  #makePlain(question, onChange) {
    const answer = answerFor(question.prompt, { onChange, questionId: question.id, room: true });
    const shown = attachmentList(question);
    if (answer.wide) shown.push(answer.wide);
    if (!shown.length) {
      shown.push(el('p', { class: 'asked', dir: 'auto' }, asText(question.prompt.instruction)));
    }
    byId('viewer').replaceChildren(...shown);
    byId('viewer').scrollTop = 0;
    byId('viewer').hidden = false;
    return answer;
  }

  #showDial(numbers) {
    byId('dial-section').hidden = numbers.length === 0;
    byId('dial').replaceChildren(...numbers.map(dialling));
  }

  #update(hint = '') {
    const summary = byId('summary');
    summary.classList.toggle('problem', hint !== '');
    say(summary, hint || this.#answer.problem || this.#answer.summary || word('heat.ready'));
  }
}
