// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The image with its shapes: draws the editor's state and converts between screen and image.

import { el, setAttributes, svg } from './dom.js';
import { drawGhosts } from './ghosts.js';
import { GRIP_PX, handleAt } from './handle.js';
import { imageMedium } from './medium.js';
import { HANDLES, bounds, handlePoint, middleOfSide } from './shapes.js';
import { drawSketch } from './sketch_view.js';
import { drawTag } from './tag.js';
import { fitted, following, pinched, toImage, toStage, zoomedAt } from './view.js';

const AROUND_TOOLS_PX = 10;
const ROOM_FOR_MIDDLE_HANDLES_PX = 2.4 * GRIP_PX;

export class Canvas {
  #stage;
  #image;
  #overlay;
  #tags;
  #tools;
  #editor;
  #medium;
  #look = { colourOf: () => '', doubted: () => false, words: () => ['', ''], shown: () => true };
  #nodes = new Map();
  #ghosts = svg('g');
  #handles = svg('g');
  #sketched = svg('g', { class: 'sketch', 'data-testid': 'sketch' });
  #sketch = null;
  #view = { scale: 1, x: 0, y: 0 };
  #fitted = true;

  /** The name of the handle that the keys move, or null. */
  takenHandle = () => null;

  /** `parts`: stage, image, overlay, tags and tools elements. */
  constructor(parts, editor) {
    this.#stage = parts.stage;
    this.#image = parts.image;
    this.#overlay = parts.overlay;
    this.#tags = parts.tags;
    this.#tools = parts.tools;
    this.#editor = editor;
    this.#medium = imageMedium(parts.image);
    parts.image.classList.add('medium');
    this.#overlay.append(this.#ghosts, this.#handles, this.#sketched);
    editor.addEventListener('change', () => this.draw());
    new ResizeObserver(() => (this.#fitted ? this.fit() : this.redraw())).observe(this.#stage);
  }

  /** Show another image; resolves when it is there, rejects when it cannot be loaded. */
  async load(url) {
    this.#image.removeAttribute('src');
    this.#show(imageMedium(this.#image));
    if (!url) throw new Error('no image that can be loaded');
    this.#image.src = url;
    await this.#image.decode();
    this.fit();
  }

  /** Show something else in the place of the image; see medium.js. */
  place(medium) {
    this.#image.removeAttribute('src');
    this.#show(medium);
    this.fit();
  }

  #show(medium) {
    this.clear();
    if (medium.element !== this.#medium.element) {
      if (this.#medium.element !== this.#image) this.#medium.element.remove();
      this.#image.hidden = medium.element !== this.#image;
      if (medium.element !== this.#image) this.#image.after(medium.element);
      medium.element.classList.add('medium');
    }
    this.#medium = medium;
  }

  /**
   * How shapes look: `colourOf`, `doubted`, `words` (a name and a mark, for the tag), and which
   * are `shown`, each given a shape.
   */
  set look(look) {
    this.#look = look;
  }

  get shown() {
    return this.#editor.shapes.filter((shape) => this.#look.shown(shape));
  }

  clear() {
    for (const node of this.#nodes.values()) this.#discard(node);
    this.#nodes.clear();
    this.#ghosts.replaceChildren();
    this.#handles.replaceChildren();
    this.#sketched.replaceChildren();
  }

  /** What is being drawn point by point, or null; see sketch.js. */
  get sketch() {
    return this.#sketch;
  }

  set sketch(sketch) {
    this.#sketch = sketch;
    this.draw();
  }

  get ready() {
    return this.#medium.size() !== null;
  }

  /** In pixels of the upright image itself. */
  get size() {
    return this.#medium.size();
  }

  /** `pixels` of the image, as a fraction of it. */
  imageReach(pixels) {
    const { width, height } = this.size;
    return { x: pixels / width, y: pixels / height };
  }

  /** `pixels` of the screen, as a fraction of the image. */
  screenReach(pixels) {
    return this.imageReach(pixels / this.#view.scale);
  }

  /** Where a pointer event is, as a fraction of the image; may lie outside. */
  pointOf(event) {
    return toImage(this.#view, this.size, this.#placeOf(event));
  }

  /** What is in the middle of the stage, as a fraction of the image. */
  get middle() {
    return toImage(this.#view, this.size, this.#middleOfStage);
  }

  /** All of the image. */
  fit() {
    if (this.ready) this.#setView(fitted(this.#stageSize, this.size, this.#below), true);
  }

  /** A pixel of the image on each pixel of the screen. */
  showActualSize() {
    this.zoom(1 / devicePixelRatio / this.#view.scale);
  }

  /** Zoom at a pointer event, or at the middle of the stage. */
  zoom(factor, event = null) {
    if (!this.ready) return;
    const point = event ? this.#placeOf(event) : this.#middleOfStage;
    this.#setView(zoomedAt(this.#view, factor, point), false);
  }

  /** Zoom and move as two fingers do: `before` and `after` are two events each. */
  pinch(before, after) {
    const places = (events) => events.map((event) => this.#placeOf(event));
    this.#setView(pinched(this.#view, places(before), places(after)), false);
  }

  pan(dx, dy) {
    const { scale, x, y } = this.#view;
    this.#setView({ scale, x: x + dx, y: y + dy }, false);
  }

  /** Bring a shape that lies out of view to the middle. */
  reveal(shape) {
    if (!this.ready) return;
    const { left, top, right, bottom } = bounds(shape.vertices.map((each) => this.#onScreen(each)));
    const { clientWidth: width, clientHeight: height } = this.#stage;
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    if (x < 0 || y < 0 || x > width || y > height) this.pan(width / 2 - x, height / 2 - y);
  }

  /** Bring a point of the image into view. */
  follow(point) {
    const view = following(
      this.#view, this.#onScreen(point), this.#stageSize, this.#below);
    if (view.x !== this.#view.x || view.y !== this.#view.y) this.#setView(view, false);
  }

  redraw() {
    for (const node of this.#nodes.values()) node.drawn = null;
    this.draw();
  }

  draw() {
    if (!this.ready) return;
    const { selectedKey } = this.#editor;
    const gone = new Set(this.#nodes.keys());
    for (const shape of this.shown) {
      gone.delete(shape.key);
      this.#drawShape(shape, shape.key === selectedKey);
    }
    for (const key of gone) {
      this.#discard(this.#nodes.get(key));
      this.#nodes.delete(key);
    }
    drawGhosts(this.#ghosts, this.#editor, (vertex) => this.#onScreen(vertex));
    this.#drawHandles();
    drawSketch(this.#sketched, this.#sketch, (point) => this.#onScreen(point));
  }

  get #stageSize() {
    return { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
  }

  /** What the tools take of the stage, at its lower end. */
  get #below() {
    return this.#tools.offsetHeight + 2 * AROUND_TOOLS_PX;
  }

  get #middleOfStage() {
    const { width, height } = this.#stageSize;
    return { x: width / 2, y: height / 2 };
  }

  #placeOf({ clientX, clientY }) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #setView(view, fitted) {
    this.#view = view;
    this.#fitted = fitted;
    const { element } = this.#medium;
    const { width, height } = this.size;
    element.style.width = `${width * view.scale}px`;
    element.style.height = `${height * view.scale}px`;
    element.style.transform = `translate(${view.x}px, ${view.y}px)`;
    element.classList.toggle('pixels', view.scale > 4);
    this.redraw();
  }

  #onScreen(point) {
    return toStage(this.#view, this.size, point);
  }

  #drawShape(shape, selected) {
    let node = this.#nodes.get(shape.key);
    if (!node) {
      const dot = shape.type === 'dot';
      // The dark line under the coloured one keeps it legible on a bright image.
      const lines = dot
        ? [svg('circle', { r: 6 })]
        : [svg('polygon', { class: 'halo' }), svg('polygon', { class: 'line' })];
      const group = svg('g', { class: `shape ${shape.type}`, 'data-testid': 'shape' }, ...lines);
      node = { group, lines, tag: el('div', { class: 'tag', 'data-testid': 'tag' }) };
      this.#handles.before(group);
      this.#tags.append(node.tag);
      this.#nodes.set(shape.key, node);
    }
    if (node.drawn === shape && node.selected === selected) return;
    node.drawn = shape;
    node.selected = selected;
    const points = shape.vertices.map((vertex) => this.#onScreen(vertex));
    const place = shape.type === 'dot'
      ? { cx: points[0].x, cy: points[0].y }
      : { points: points.map(({ x, y }) => `${x},${y}`).join(' ') };
    for (const line of node.lines) setAttributes(line, place);
    const doubted = this.#look.doubted(shape);
    for (const element of [node.group, node.tag]) {
      element.style.setProperty('--label', this.#look.colourOf(shape));
      element.classList.toggle('selected', selected);
      element.classList.toggle('doubted', doubted);
    }
    const status = this.#editor.status(shape);
    setAttributes(node.group, { 'data-status': status, 'data-prior': shape.prior ?? '' });
    drawTag(node.tag, this.#look.words(shape), shape.type === 'dot', selected, points);
  }

  #drawHandles() {
    const shape = this.#editor.selected;
    this.#handles.replaceChildren();
    if (!shape || shape.type === 'dot' || !this.#look.shown(shape)) return;
    this.#overlay.append(this.#handles, this.#sketched);
    const points = shape.vertices.map((vertex) => this.#onScreen(vertex));
    const taken = this.takenHandle();
    const add = (name, point, out) =>
      this.#handles.append(...handleAt(name, point, name === taken, out));
    if (shape.type === 'polygon') {
      points.forEach((point, index) => {
        const next = points[(index + 1) % points.length];
        const room = Math.hypot(next.x - point.x, next.y - point.y) > ROOM_FOR_MIDDLE_HANDLES_PX;
        if (room) add(`m${index}`, middleOfSide(points, index));
      });
      points.forEach((point, index) => add(`v${index}`, point));
      return;
    }
    const box = bounds(points);
    for (const handle of HANDLES) {
      const side = handle === 'n' || handle === 's' ? box.right - box.left : box.bottom - box.top;
      if (handle.length === 1 && side < ROOM_FOR_MIDDLE_HANDLES_PX) continue;
      add(handle, handlePoint(handle, box), outOf(box, handle));
    }
  }

  #discard(node) {
    node.group.remove();
    node.tag.remove();
  }
}

/** How far the grips of a small box lie outside, to leave half of its width and height free. */
function outOf({ left, top, right, bottom }, handle) {
  const over = (side) => Math.max(GRIP_PX / 2 - side / 4, 0);
  const sign = (before, after) => Number(handle.includes(after)) - Number(handle.includes(before));
  return { x: sign('w', 'e') * over(right - left), y: sign('n', 's') * over(bottom - top) };
}
