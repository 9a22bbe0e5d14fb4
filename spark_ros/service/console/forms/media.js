// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A file that is asked for: chosen or dropped, uploaded at once, shown before it is sent.

import { upload } from '../api.js';
import { clipped, el, say } from '../dom.js';
import { showing } from '../media.js';

const ACCEPTED = { image: 'image/*', video: 'video/mp4', audio: 'audio/*' };
const WANTED = { image: 'an image', video: 'an MP4 video', audio: 'an audio file' };

export class Media {
  #kind;
  #questionId;
  #onChange;
  #url = null;
  #local = null;
  #uploading = null;
  #wrong = '';
  #input;
  #preview = el('div', { class: 'preview', 'data-testid': 'preview' });
  #words = el('p', { class: 'muted', 'data-testid': 'upload-state', role: 'status' });

  submitsFromField = false;
  help = [[['U'], 'Choose a file; it can also be dropped on the page']];
  keys = { upload: () => this.#input.click() };

  constructor(prompt, { onChange, questionId }) {
    this.#kind = prompt.kind;
    this.#questionId = questionId;
    this.#onChange = onChange;
    this.#input = el('input', {
      type: 'file', accept: ACCEPTED[this.#kind], hidden: '', 'data-testid': 'file',
    });
    this.#input.addEventListener('change', () => this.#take(this.#input.files[0]));
    const button = el('button', { type: 'button', 'data-testid': 'choose-file' },
      'Choose a file ', el('kbd', {}, 'U'));
    button.addEventListener('click', () => this.#input.click());
    this.wide = el('div', { class: 'drop', 'data-testid': 'drop' },
      this.#preview, this.#words, button, this.#input);
    for (const kind of ['dragenter', 'dragover']) {
      this.wide.addEventListener(kind, (event) => this.#over(event, true));
    }
    this.wide.addEventListener('dragleave', (event) => this.#over(event, false));
    this.wide.addEventListener('drop', (event) => {
      this.#over(event, false);
      this.#take(event.dataTransfer.files[0]);
    });
    this.element = el('div', { class: 'answer' },
      el('p', { class: 'muted' }, `Send ${WANTED[this.#kind]} as a file.`));
    this.#show();
  }

  get value() {
    return this.#url;
  }

  set value(url) {
    this.#url = url ?? null;
    if (this.#url) {
      // It is here, by whatever name the asker knows this service.
      const url = new URL(this.#url).pathname;
      this.#preview.replaceChildren(showing(this.#kind, { url }, 'Your file'));
    }
    this.#show();
  }

  // Only the page's own question asks for a file, never one about a mark.
  get problem() {
    if (this.#uploading) return 'The file is still on its way.';
    return this.#wrong || (this.#url ? '' : `Choose ${WANTED[this.#kind]}.`);
  }

  get words() {
    return this.#url ?? '';
  }

  focus() {}

  clear() {
    this.#uploading = null;
    this.#forget();
  }

  #over(event, on) {
    event.preventDefault();
    this.wide.classList.toggle('over', on);
  }

  async #take(file) {
    if (!file) return;
    this.#url = null;
    this.#uploading = null;
    this.#forget();
    this.#preview.replaceChildren();
    if (file.type.startsWith(`${this.#kind}/`)) {
      await this.#send(file);
    } else {
      this.#wrong = `“${clipped(file.name, 60)}” is not ${WANTED[this.#kind]}.`;
      this.#tell();
    }
  }

  async #send(file) {
    this.#wrong = '';
    this.#uploading = file;
    this.#local = URL.createObjectURL(file);
    this.#preview.replaceChildren(localView(this.#kind, this.#local));
    this.#tell();
    let url = null;
    let wrong = '';
    try {
      ({ url } = await upload(this.#questionId, file));
    } catch (error) {
      wrong = `Not uploaded: ${error.message}`;
    }
    if (this.#uploading !== file) return;
    this.#uploading = null;
    this.#url = url;
    this.#wrong = wrong;
    this.#tell();
  }

  #tell() {
    this.#input.value = '';
    this.#show();
    this.#onChange();
  }

  #show() {
    const empty = `Drop ${WANTED[this.#kind]} here.`;
    const done = this.#url ? 'Uploaded.' : empty;
    say(this.#words, this.#uploading ? 'Uploading…' : this.#wrong || done);
    this.wide.classList.toggle('wrong', this.#wrong !== '');
  }

  #forget() {
    if (this.#local) URL.revokeObjectURL(this.#local);
    this.#local = null;
  }
}

function localView(kind, url) {
  return kind === 'image'
    ? el('img', { src: url, alt: 'Your file' })
    : el(kind, { src: url, controls: '', 'aria-label': 'Your file' });
}
