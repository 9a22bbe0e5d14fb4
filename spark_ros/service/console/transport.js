// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Playing and seeking a video that is being marked.

import { el } from './dom.js';
import { number, word } from './words.js';

const STEP_S = 0.1;
const SLIDER_STEP_S = 0.01;

/** To the millisecond, and never negative. */
export const seconds = (value) => Math.max(0, Math.round(value * 1000) / 1000);

export const tenths = (value) =>
  number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export class Transport {
  /** The current time in seconds. */
  time = 0;
  keys = {};

  constructor(...parts) {
    this.element = el('span', { class: 'transport', 'data-testid': 'transport' }, ...parts);
  }

  static forVideo(video) {
    const button = el('button', { type: 'button', 'data-testid': 'play' });
    const slider = el('input', {
      type: 'range', min: 0, max: 0, step: SLIDER_STEP_S, value: 0, 'aria-label': word('play.time'),
    });
    const words = el('span', { class: 'time', 'data-testid': 'time' });
    const transport = new Transport(button, slider, words);
    const show = () => {
      transport.time = seconds(video.currentTime);
      slider.max = video.duration || 0;
      slider.value = video.currentTime;
      words.textContent = `${tenths(video.currentTime)} s`;
      const action = video.paused ? word('play.play') : word('play.pause');
      button.replaceChildren(action, ' ', el('kbd', {}, 'P'));
    };
    for (const kind of ['play', 'pause', 'timeupdate', 'seeking', 'durationchange']) {
      video.addEventListener(kind, show);
    }
    transport.pause = () => {
      video.pause();
      transport.time = seconds(video.currentTime);
    };
    transport.seek = (t) => {
      video.pause();
      video.currentTime = Math.min(Math.max(t, 0), video.duration || 0);
    };
    const toggle = () => (video.paused ? video.play().catch(() => {}) : video.pause());
    button.addEventListener('click', toggle);
    slider.addEventListener('input', () => transport.seek(slider.valueAsNumber));
    transport.keys = {
      play: () => void toggle(),
      stepBack: () => transport.seek(video.currentTime - STEP_S),
      stepOn: () => transport.seek(video.currentTime + STEP_S),
    };
    transport.onRemove = () => video.pause();
    show();
    return transport;
  }

  pause() {}

  seek() {}

  onRemove() {}

  remove() {
    this.onRemove();
    this.element.remove();
  }
}
