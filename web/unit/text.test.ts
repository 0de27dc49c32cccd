import { expect, test } from 'vitest';
import { bytes, count, isProgress, percent, short } from '../src/text/number';
import { signalName } from '../src/text/signal';
import { axisStart, formatDuration, formatTime, isoTime, timeTicks } from '../src/text/time';
import { clip, sentences, visible } from '../src/text/visible';

test('fragments become sentences', () => {
  expect(sentences('no [key] here; write one; or none')).toBe('No [key] here. Write one. Or none');
  expect(sentences('')).toBe('');
});

test('counts and sizes', () => {
  expect(count(1234567)).toBe('1,234,567');
  expect(bytes(999)).toBe('999 B');
  expect(bytes(100_194_072)).toBe('100 MB');
  expect(short(NaN)).toBe('–');
  expect(short(1e300)).toBe('1.00e+300');
});

test('a percentage is one from 0 to 100', () => {
  expect(percent('45')).toBe(45);
  expect(percent(' 45.5 % ')).toBe(45.5);
  expect(percent('101')).toBeNull();
  expect(percent('45 of 90')).toBeNull();
  expect(percent('')).toBeNull();
});

test('progress keys go by their names', () => {
  expect(isProgress('progress')).toBe(true);
  expect(isProgress('testcase_progress')).toBe(true);
  expect(isProgress('progressive')).toBe(false);
});

test('durations', () => {
  expect(formatDuration(0.25)).toBe('250 ms');
  expect(formatDuration(4.25)).toBe('4.3 s');
  expect(formatDuration(61)).toBe('1 min 01 s');
  expect(formatDuration(3600)).toBe('1 h 00 min');
  expect(formatDuration(90_000)).toBe('1 d 01 h');
  expect(formatDuration(-5)).toBe('−5 s');
  expect(formatDuration(NaN)).toBe('');
  expect(formatDuration(1e300)).toBe('1e+300 s');
});

test('times that are none come out as numbers', () => {
  expect(formatTime(NaN)).toBe('');
  expect(formatTime(9e15)).toBe('9000000000000000');
  expect(formatTime(Infinity)).toBe('Infinity');
  expect(isoTime(0)).toBe('1970-01-01T00:00:00Z');
  expect(isoTime(1e300)).toBe('');
});

test('time ticks are few, rising and inside', () => {
  for (const span of [0.01, 1, 90, 4000, 86_400, 4e6, 3e9]) {
    const from = 1_700_000_000;
    const ticks = timeTicks(from, from + span, 8);
    expect(ticks.length).toBeLessThanOrEqual(9);
    for (const [n, { at }] of ticks.entries()) {
      expect(at).toBeGreaterThanOrEqual(from);
      if (n > 0) expect(at).toBeGreaterThan(ticks[n - 1]?.at ?? Infinity);
    }
  }
  expect(timeTicks(5, 5, 8)).toEqual([]);
  expect(timeTicks(NaN, 5, 8)).toEqual([]);
});

test('an axis follows the calendar, and says its day', () => {
  const local = (...parts: [number, number, number?, number?, number?]): number => new Date(...parts).getTime() / 1000;
  const labels = (from: number, to: number, most: number) => timeTicks(from, to, most).map(({ label }) => label);
  expect(labels(local(2019, 5), local(2023, 2), 8)).toEqual(['2019-07', '2020-01', '2020-07', '2021-01', '2021-07', '2022-01', '2022-07', '2023-01']);
  expect(labels(local(2001, 3), local(2026, 3), 8)).toEqual(['2005', '2010', '2015', '2020', '2025']);
  expect(labels(local(2026, 1, 20), local(2026, 5, 3), 6)).toEqual(['2026-03', '2026-04', '2026-05', '2026-06']);
  const from = local(2026, 2, 3, 20);
  const ticks = timeTicks(from, local(2026, 2, 4, 9), 8);
  expect(ticks.map(({ label }) => label)).toEqual(['20:00', '22:00', '2026-03-04', '02:00', '04:00', '06:00', '08:00']);
  expect(axisStart(from, ticks)).toBe('2026-03-03');
  expect(axisStart(from, timeTicks(from, from + 0.5, 8))).toBe('2026-03-03 20:00');
  expect(axisStart(from, timeTicks(from, from + 1e6, 8))).toBe('');
  // Where clocks are put forward in the night to this day, it still begins at midnight.
  expect(labels(local(2026, 2, 28, 12), local(2026, 2, 30, 1), 4)).toEqual(['12:00', '2026-03-29', '12:00', '2026-03-30']);
});

test('a wait status of 1.7 is no exit code', () => {
  expect(signalName('SIGKILL')).toBe('SIGKILL');
  expect(signalName('9')).toBe('signal 9');
  expect(signalName('139')).toBe('signal 11');
  expect(signalName('-15')).toBe('signal 15');
  expect(signalName('256')).toBe('wait status 256');
  expect(signalName('512')).toBe('wait status 512');
  expect(signalName('0')).toBe('');
  expect(signalName('99999999999')).toBe('99999999999');
});

test('what cannot be seen is shown', () => {
  expect(visible('a\u001b[31mb\u0000\u007f')).toBe('a␛[31mb␀␡');
  expect(visible('x\u202eevil\u200b')).toBe('x⟨202E⟩evil⟨200B⟩');
  expect(visible('👩‍🔬 👩🏽‍🔬 ❤️‍🔥')).toBe('👩‍🔬 👩🏽‍🔬 ❤️‍🔥');
  expect(visible('a\u200db 1\u200d👩')).toBe('a⟨200D⟩b 1⟨200D⟩👩');
  expect(visible('<b>&amp;')).toBe('<b>&amp;');
});

test('a cut never halves a character', () => {
  expect(clip('a😀b', 2)).toBe('a…');
  expect(clip('abc', 3)).toBe('abc');
});
