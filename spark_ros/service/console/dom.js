// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Building and wording elements. Strings from outside only ever become text nodes here.

const SVG = 'http://www.w3.org/2000/svg';

/** Whether fingers are what points. */
export const FINGERS = matchMedia('(pointer: coarse)').matches;

export const byId = (id) => document.getElementById(id);

export const hook = (name) => document.querySelector(`[data-testid="${name}"]`);

/** Make an element; `attributes` have fixed names, children are nodes or plain text. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Set text only when it differs, so that a live region does not repeat itself. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The path of an address on this service, else null: nothing else is ever loaded. */
export function ownPath(value) {
  const url = parsed(value);
  return url?.origin === location.origin ? url.pathname : null;
}

/** The address if it is one that a link may lead to (http, https), else null. */
export function webUrl(value) {
  const url = parsed(value);
  return ['http:', 'https:'].includes(url?.protocol) ? url : null;
}

function parsed(value) {
  if (typeof value !== 'string' || !value) return null;
  try {
    return new URL(value, location.href);
  } catch {
    return null;
  }
}

export function asText(value) {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function clipped(text, longest) {
  const letters = [...text.slice(0, 2 * longest)];
  return letters.length > longest ? `${letters.slice(0, longest - 1).join('')}…` : text;
}
