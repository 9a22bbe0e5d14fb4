// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Showing what others sent: text, and media from addresses that were checked first.

import { asText, clipped, el, safeUrl } from './dom.js';

const YOUTUBE = /^https:\/\/www\.youtube(?:-nocookie)?\.com\/embed\/[\w-]+(?:[?#]|$)/;
// A player from a host of its own needs scripts; whatever else is framed can run nothing.
const PLAYER_RIGHTS = 'allow-scripts allow-same-origin allow-presentation';

export const isYouTube = (url) => YOUTUBE.test(url ?? '');

/** An element that shows a 'text', 'image', 'video', 'audio' or 'website'. */
export function showing(type, item, name) {
  if (type === 'text') return el('div', { class: 'paper', dir: 'auto' }, asText(item.text));
  const url = safeUrl(item.url);
  if (!url) return notLoaded(item.url);
  if (type === 'image') return picture(url, name);
  if (type === 'audio') return player('audio', url, name);
  if (type === 'video' && !isYouTube(url)) return player('video', url, name);
  return el('div', { class: 'site' }, frame(url, name), linkTo(url));
}

export function frame(url, name) {
  return el('iframe', {
    sandbox: isYouTube(url) ? PLAYER_RIGHTS : '',
    referrerpolicy: 'no-referrer',
    loading: 'lazy',
    title: name,
    src: url,
    'data-testid': 'frame',
  });
}

export function player(kind, url, name) {
  const element = el(kind, { controls: '', preload: 'metadata', 'aria-label': name, src: url });
  element.addEventListener('error', () => element.replaceWith(failed(url)), { once: true });
  return element;
}

export function linkTo(url) {
  const link = { class: 'source', href: url, target: '_blank', rel: 'noopener noreferrer' };
  return el('a', link, clipped(url, 200));
}

function picture(url, name) {
  const image = el('img', { alt: name, loading: 'lazy', draggable: 'false', src: url });
  image.addEventListener('error', () => image.replaceWith(failed(url)), { once: true });
  return image;
}

function failed(url) {
  return el('p', { class: 'failed' }, 'Cannot be loaded: ', linkTo(url));
}

function notLoaded(given) {
  return el('p', { class: 'failed' }, 'Not an address to load: ',
    el('bdi', {}, clipped(asText(given), 200)));
}
