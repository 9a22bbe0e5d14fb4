// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Moments of a recording: listen, and mark the current time.

import { byId, el, ownPath } from '../dom.js';
import { Editor } from '../editor.js';
import { showing, whenCome } from '../media.js';
import { seconds, tenths } from '../transport.js';
import { word } from '../words.js';
import { markKeys } from './mark_keys.js';

const STEP_S = 0.1;

export class TimeMarks {
  #question;
  #mayAdd;
  #onAdded;
  #shown = 0;
  #audio = null;
  #rail = el('div', { class: 'rail', 'data-testid': 'rail' });
  #needle = el('span', { class: 'needle' });
  #time = el('span', { class: 'time', 'data-testid': 'time' });
  #holder = el('div', {
    class: 'listen', tabindex: '0', role: 'group', 'aria-label': word('mark.recording'),
  });

  seen = true;
  editor = new Editor();
  how = word('mark.moment');
  help = [
    [['P'], word('mark.help-play-space')],
    [['←', '→'], word('mark.help-second')],
    [[',', '.'], word('mark.help-tenth')],
    [['N'], word('mark.help-now')],
    [['Tab'], word('mark.help-next')],
    [['Del'], word('mark.help-delete')],
    [['Ctrl', 'Z'], word('mark.help-undo')],
  ];

  constructor(question, { mayAdd, onAdded }) {
    this.#question = question;
    this.#mayAdd = mayAdd;
    this.#onAdded = onAdded;
    this.keys = {
      ...markKeys(this.editor, () => document.activeElement === this.#holder),
      draw: () => this.#mark(),
      play: () => this.#toggle(),
      pan: (on) => on && this.#toggle(),
      nudge: (dx) => this.#seekBy(dx),
      stepBack: () => this.#seekBy(-STEP_S),
      stepOn: () => this.#seekBy(STEP_S),
    };
    this.editor.addEventListener('change', () => this.#draw());
    this.#rail.addEventListener('click', (event) => this.#click(event));
    byId('viewer').replaceChildren(this.#holder);
    byId('viewer').hidden = false;
  }

  show(index) {
    this.#shown = index;
    const item = this.#question.attachments[index];
    const player = showing('audio', item, word('mark.recording-number', { n: index + 1 }));
    this.#audio = ownPath(item.url) ? player : null;
    whenCome(item, () => this.#shown === index && this.show(index));
    const button = el('button', { type: 'button', 'data-testid': 'mark-now' },
      word('mark.now'), ' ', el('kbd', {}, 'N'));
    button.addEventListener('click', () => this.#mark());
    this.#holder.replaceChildren(
      player, this.#rail, el('div', { class: 'row' }, button, this.#time));
    for (const kind of ['timeupdate', 'seeking', 'loadedmetadata']) {
      player.addEventListener(kind, () => this.#tick());
    }
    player.addEventListener('loadedmetadata', () => this.#draw());
    this.#draw();
  }

  reveal(shape) {
    if (this.#audio) this.#audio.currentTime = shape.t;
  }

  focus() {
    this.#holder.focus({ preventScroll: true });
  }

  clear() {
    this.#audio?.pause();
  }

  placeOf({ t }) {
    return { t };
  }

  describe({ t }) {
    return `${t} s`;
  }

  #mark() {
    if (!this.#audio || !this.#mayAdd()) return;
    const t = seconds(this.#audio.currentTime);
    this.editor.add({ type: 'moment', attachment: this.#shown, response: null, t });
    this.#onAdded();
  }

  #toggle() {
    if (!this.#audio) return false;
    if (this.#audio.paused) this.#audio.play().catch(() => {});
    else this.#audio.pause();
    return true;
  }

  #seekBy(by) {
    if (!this.#audio || !by) return false;
    const end = this.#audio.duration || 0;
    this.#audio.currentTime = Math.min(Math.max(this.#audio.currentTime + by, 0), end);
    return true;
  }

  #click(event) {
    const key = event.target.dataset.mark;
    if (key !== undefined) {
      this.editor.select(Number(key));
      this.reveal(this.editor.selected);
    } else if (this.#audio?.duration) {
      const { left, width } = this.#rail.getBoundingClientRect();
      this.#audio.currentTime = ((event.clientX - left) / width) * this.#audio.duration;
    }
  }

  #draw() {
    const length = this.#audio?.duration || 0;
    const marks = this.editor.shapes.filter(({ attachment }) => attachment === this.#shown);
    this.#rail.replaceChildren(this.#needle, ...marks.map((mark) => {
      const tick = el('span', { class: 'moment', 'data-mark': mark.key, 'data-testid': 'moment' });
      tick.classList.toggle('selected', mark.key === this.editor.selectedKey);
      tick.style.left = length ? `${(mark.t / length) * 100}%` : '0';
      return tick;
    }));
    this.#tick();
  }

  #tick() {
    const now = this.#audio?.currentTime ?? 0;
    const length = this.#audio?.duration || 0;
    this.#time.textContent = word('mark.time-of', { now: tenths(now), length: tenths(length) });
    this.#needle.style.left = length ? `${(now / length) * 100}%` : '0';
  }
}
