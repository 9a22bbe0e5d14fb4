// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Moments in the operator's words and time zone.

import { locale, word } from './words.js';

const formatOf = (options) => {
  const format = new Intl.DateTimeFormat(locale, options);
  return (time) => format.format(new Date(time));
};

/** Each takes a Date, what it can be made of, or milliseconds since 1970. */
export const dateTime = formatOf({ dateStyle: 'medium', timeStyle: 'short' });
export const weekday = formatOf({ weekday: 'short' });
export const weekdayTime = formatOf({ weekday: 'short', hour: '2-digit', minute: '2-digit' });
export const hourOfDay = formatOf({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** A duration, in the largest unit of which there are two. */
export function ageText(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return word('age.seconds', { n: s });
  if (s < 7200) return word('age.minutes', { n: Math.floor(s / 60) });
  if (s < 172_800) return word('age.hours', { n: Math.floor(s / 3600) });
  return word('age.days', { n: Math.floor(s / 86_400) });
}
