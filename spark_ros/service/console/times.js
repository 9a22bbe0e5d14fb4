// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Moments in the operator's words and time zone.

import { locale } from './words.js';

const formatOf = (options) => {
  const format = new Intl.DateTimeFormat(locale, options);
  return (time) => format.format(new Date(time));
};

/** Each takes a Date, what it can be made of, or milliseconds since 1970. */
export const dateTime = formatOf({ dateStyle: 'medium', timeStyle: 'short' });
export const weekday = formatOf({ weekday: 'short' });
export const weekdayTime = formatOf({ weekday: 'short', hour: '2-digit', minute: '2-digit' });
export const hourOfDay = formatOf({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
