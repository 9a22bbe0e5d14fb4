// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Showing what others sent: text, and files that the service has, or has fetched a copy of. What
// it does not have is written out, and never loaded from where it is.

import { asText, clipped, el, ownPath, webUrl } from './dom.js';
import { word } from './words.js';

const LONGEST_URL = 200;
const expected = new Set();

/** All files of a question, in the same order each time. */
export function mediaOf(question) {
  const { image, images, attachments, prompt, per_annotation: inner } = question;
  const references = question.reference_images;
  const choices = [prompt, inner].flatMap((asked) => asked?.choices ?? []);
  const several = (images ?? []).map((each) => each.image);
  return [image, ...several, ...(attachments ?? []), ...choices, ...(references ?? [])]
    .filter((item) => item?.source !== undefined);
}

export const isWaiting = (item) => item.state === 'waiting';

/** Call `then` when a file that is being fetched is here, or cannot be. */
export function whenCome(item, then) {
  if (isWaiting(item)) expected.add({ item, then });
}

/** Call for the files that have come since. */
export function checkExpected() {
  for (const entry of [...expected]) {
    if (isWaiting(entry.item)) continue;
    expected.delete(entry);
    entry.then();
  }
}

export function forgetExpected() {
  expected.clear();
}

/** An element that shows a 'text', 'image', 'video', 'audio' or 'website'. */
export function showing(type, item, name) {
  if (type === 'text') return el('div', { class: 'paper', dir: 'auto' }, asText(item.text));
  const url = ownPath(item.url);
  if (url) return type === 'image' ? picture(url, name) : player(type, url, name);
  const element = absent(item);
  whenCome(item, () => element.replaceWith(showing(type, item, name)));
  return element;
}

/** What is said of a file that is not here: that it is on its way, why not, or where it is. */
export function absent(item) {
  const kind = item.state === 'failed' ? 'failed' : 'absent muted';
  return el('p', { class: kind, 'data-testid': 'absent' }, ...wordsFor(item));
}

export function player(kind, url, name) {
  const element = el(kind, { controls: '', preload: 'metadata', 'aria-label': name, src: url });
  element.addEventListener('error', () => element.replaceWith(failed(url)), { once: true });
  return element;
}

function picture(url, name) {
  const image = el('img', { alt: name, loading: 'lazy', draggable: 'false', src: url });
  image.addEventListener('error', () => image.replaceWith(failed(url)), { once: true });
  return image;
}

function wordsFor({ state, source, error }) {
  const url = webUrl(source);
  const text = el('bdi', {}, clipped(asText(source), LONGEST_URL));
  const { host } = url ?? {};
  if (!url) return [word('media.no-address'), ' ', text];
  if (state === 'link') return [word('media.elsewhere'), ' ', linkTo(url), ' ', text];
  if (isWaiting({ state })) return [word('media.waiting', { host }), ' ', text];
  const why = el('span', { lang: 'en' }, asText(error));
  return [word('media.not-fetched', { host }), ' ', why, ' · ', text];
}

function linkTo(url) {
  const link = { class: 'source', href: url.href, target: '_blank', rel: 'noopener noreferrer' };
  return el('a', link, url.host);
}

function failed(url) {
  return el('p', { class: 'failed' }, word('media.cannot-load'), ' ', el('bdi', {}, url));
}
