// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A file that is asked for: chosen or dropped, uploaded at once, shown before it is sent.

import { upload } from '../api.js';
import { clipped, el, say } from '../dom.js';
import { showing } from '../media.js';
import { word } from '../words.js';

const ACCEPTED = { image: 'image/*', video: 'video/mp4', audio: 'audio/*' };
const WORDS = {
  image: {
    send: 'file.image.send', drop: 'file.image.drop', choose: 'file.image.choose',
    wrong: 'file.image.wrong',
  },
  video: {
    send: 'file.video.send', drop: 'file.video.drop', choose: 'file.video.choose',
    wrong: 'file.video.wrong',
  },
  audio: {
    send: 'file.audio.send', drop: 'file.audio.drop', choose: 'file.audio.choose',
    wrong: 'file.audio.wrong',
  },
};

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
  help = [[['U'], word('file.help')]];
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
      word('file.choose'), ' ', el('kbd', {}, 'U'));
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
      el('p', { class: 'muted' }, word(WORDS[this.#kind].send)));
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
      this.#preview.replaceChildren(showing(this.#kind, { url }, word('file.yours')));
    }
    this.#show();
  }

  // Only the page's own question asks for a file, never one about a mark.
  get problem() {
    if (this.#uploading) return word('file.on-its-way');
    return this.#wrong || (this.#url ? '' : word(WORDS[this.#kind].choose));
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
      this.#wrong = word(WORDS[this.#kind].wrong, { name: clipped(file.name, 60) });
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
      wrong = word('file.not-uploaded', { error: error.message });
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
    const done = this.#url ? word('file.uploaded') : word(WORDS[this.#kind].drop);
    say(this.#words, this.#uploading ? word('file.uploading') : this.#wrong || done);
    this.wide.classList.toggle('wrong', this.#wrong !== '');
  }

  #forget() {
    if (this.#local) URL.revokeObjectURL(this.#local);
    this.#local = null;
  }
}

function localView(kind, url) {
  return kind === 'image'
    ? el('img', { src: url, alt: word('file.yours') })
    : el(kind, { src: url, controls: '', 'aria-label': word('file.yours') });
}
