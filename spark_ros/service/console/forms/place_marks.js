// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Points and rectangles on an image or a video, on the same stage as SparkAI's boxes.

import { LOOK_HELP, TOUCH_HELP } from '../canvas_help.js';
import { byId, el, ownPath } from '../dom.js';
import { videoMedium } from '../medium.js';
import { notify } from '../status.js';
import { bounds } from '../shapes.js';
import { Transport } from '../transport.js';
import { word } from '../words.js';

const COLOUR = '#6ec1ff';
const ROUNDING = 1e-6;

export class PlaceMarks {
  #question;
  #board;
  #picture;
  #mayAdd;
  #shown = 0;
  #transport = null;

  help = [
    ...TOUCH_HELP,
    [['Tab'], word('mark.help-step-on')],
    [['N'], word('mark.help-on-top')],
    [['Del'], word('mark.help-delete')],
    [['←', '↑', '→', '↓'], word('mark.help-nudge')],
    [['Ctrl', 'Z'], word('mark.help-undo')],
    [['Esc'], word('mark.help-escape')],
    [['Wheel'], word('mark.help-zoom')],
    ...LOOK_HELP,
  ];

  constructor(question, { board, picture, mayAdd, onAdded, words }) {
    this.#question = question;
    this.#board = board;
    this.#picture = picture;
    this.#mayAdd = mayAdd;
    if (this.#timed) {
      this.help.unshift(
        [['P'], word('mark.help-play')], [[',', '.'], word('mark.help-tenth')]);
    }
    board.open({
      newShape: () => this.#newShape(),
      onDrawn: onAdded,
      look: {
        colourOf: () => COLOUR,
        doubted: () => false,
        words: (shape) => [this.#tagOf(shape, words(shape)), ''],
        shown: (shape) => shape.attachment === this.#shown,
      },
      drawName: this.#rectangles ? word('mark.new-rectangle') : word('mark.new-point'),
      types: [this.#rectangles ? 'bounding_box' : 'dot'],
    });
  }

  get editor() {
    return this.#board.editor;
  }

  get seen() {
    return this.#picture.seen;
  }

  get how() {
    return this.#rectangles ? word('mark.rectangle') : word('mark.point');
  }

  get keys() {
    return { ...this.#board.keys, ...this.#transport?.keys };
  }

  show(index) {
    this.#shown = index;
    this.#transport?.remove();
    this.#transport = null;
    const item = this.#question.attachments[index];
    const name = word('attachment.number', { n: index + 1 });
    const url = ownPath(item.url);
    if (this.#timed && url) {
      this.#showVideo(url, name);
      return;
    }
    this.#picture.show(item, { again: () => this.show(index) });
  }

  reveal(shape) {
    if (shape.t !== undefined) this.#transport?.seek(shape.t);
  }

  focus() {
    this.#board.focus();
  }

  clear() {
    this.#transport?.remove();
    this.#picture.clear();
    this.#board.close();
  }

  /** Pixels of the upright image; sizes come from when it was marked. */
  placeOf({ vertices, type, size, t }) {
    const { left, top, right, bottom } = bounds(vertices);
    const { width, height } = size;
    const time = t === undefined ? {} : { t };
    if (type === 'dot') return { x: pixel(left, width), y: pixel(top, height), ...time };
    const edge = (fraction, length) => Math.min(Math.max(Math.round(fraction * length), 0), length);
    return {
      x: edge(left, width), y: edge(top, height), x2: edge(right, width), y2: edge(bottom, height),
      ...time,
    };
  }

  describe(shape) {
    const { x, y, x2, y2, t } = this.placeOf(shape);
    const place = x2 === undefined ? `${x}, ${y}` : `${x}, ${y} – ${x2}, ${y2}`;
    return t === undefined ? place : `${place} · ${t} s`;
  }

  get #rectangles() {
    return this.#question.annotations_type === 'rectangle';
  }

  get #timed() {
    return this.#question.attachments_type === 'video';
  }

  #newShape() {
    if (!this.#mayAdd()) return null;
    this.#transport?.pause();
    return {
      attachment: this.#shown,
      size: this.#board.canvas.size,
      response: null,
      ...(this.#timed && { t: this.#transport?.time ?? 0 }),
    };
  }

  #tagOf(shape, words) {
    const number = this.editor.shapes.indexOf(shape) + 1;
    const time = shape.t === undefined ? '' : ` · ${shape.t} s`;
    return words ? `${number}${time} · ${words}` : `${number}${time}`;
  }

  #showVideo(url, name) {
    const video = el('video', {
      src: url, preload: 'auto', playsinline: '', 'aria-label': name, 'data-testid': 'video',
    });
    this.#picture.place(videoMedium(video));
    video.addEventListener('loadedmetadata', () => this.#board.canvas.fit());
    video.addEventListener('error', () => {
      notify(word('media.video-fails'), true);
    });
    this.#transport = Transport.forVideo(video);
    byId('tools').prepend(this.#transport.element);
  }
}

const pixel = (fraction, length) =>
  Math.min(Math.max(Math.floor(fraction * length + ROUNDING), 0), length - 1);
