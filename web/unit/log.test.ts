import { expect, test } from 'vitest';
import { lineAt, valueTicks, wholePoints } from '../src/log/plot';
import { places } from '../src/log/search';
import { ticks } from '../src/log/ticks';
import { merge, seriesFrom } from '../src/worker/series';

test('ticks are round, few and inside', () => {
  expect(ticks(0, 100, 4)).toEqual([0, 50, 100]);
  expect(ticks(0.1, 0.35, 5)).toEqual([0.1, 0.15, 0.2, 0.25, 0.3, 0.35]);
  expect(ticks(5, 5, 4)).toEqual([]);
  expect(ticks(1, 55_394_580, 6)).toEqual([10e6, 20e6, 30e6, 40e6, 50e6]);
});

test('a scale has two marks at least', () => {
  expect(valueTicks(31.2, 57.9)).toEqual([40, 50]);
  expect(valueTicks(0, 100)).toEqual([0, 50, 100]);
  expect(valueTicks(5, 5)).toEqual([]);
  expect(valueTicks(-1e308, 1e308)).toEqual([-1e308, 0, 1e308]);
});

test('places of a needle, with and without case', () => {
  expect(places('Soak soak', 'soak', true)).toEqual([0, 5]);
  expect(places('Soak soak', 'soak', false)).toEqual([5]);
  expect(places('aaaa', 'aa', false)).toEqual([0, 2]);
  expect(places('x', '', true)).toEqual([]);
});

test('folding keeps to A–Z, so that places stay where they are', () => {
  expect(places('İstanbul needle', 'NEEDLE', true)).toEqual([9]);
});

test('a value holds until the next set', () => {
  const packed = Float64Array.of(NaN, 1, NaN, NaN, 4, NaN, NaN, 3, NaN, 9, 1);
  const points = wholePoints(seriesFrom(packed, 3, true));
  expect([...points.last]).toEqual([9, 3, 3]);
  expect([...points.low]).toEqual([9, 1, 3]);
  expect([...points.high]).toEqual([9, 4, 3]);
});

test('a key that was cleared has no line', () => {
  const packed = Float64Array.of(NaN, 1, NaN, NaN, NaN, 4, NaN, NaN, Infinity, 3, NaN, Infinity, 9, 1);
  const points = wholePoints(seriesFrom(packed, 4, true));
  expect([...points.last]).toEqual([NaN, 3, 3, NaN]);
  expect([...points.high]).toEqual([NaN, 4, 3, NaN]);
});

test('two parts of a range merge to least, greatest and latest', () => {
  const one = seriesFrom(Float64Array.of(1, NaN, 5, NaN, 2, NaN, NaN, 1), 2, true);
  const two = seriesFrom(Float64Array.of(0, 7, 3, 8, 3, 8, NaN, 1), 2, true);
  merge(one, two);
  merge(one, seriesFrom(Float64Array.of(NaN, NaN, NaN, NaN, NaN, Infinity, NaN, 1), 2, true));
  expect([...one.min]).toEqual([0, 7]);
  expect([...one.max]).toEqual([5, 8]);
  expect([...one.last]).toEqual([3, Infinity]);
});

test('a pixel stands for a line within the range', () => {
  expect(lineAt(0, 10, 20, 500)).toBe(10);
  expect(lineAt(9999, 10, 20, 500)).toBe(20);
});
