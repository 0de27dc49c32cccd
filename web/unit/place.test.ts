import { expect, test } from 'vitest';
import { numberIn, readHash, writeHash } from '../src/app/place';

test('a place survives its way through the address', () => {
  const place = new Map([
    ['file', 'a b&c=#é.log'],
    ['keys', 'progress 進捗'],
    ['line', '12'],
  ]);
  expect(readHash(writeHash(place))).toEqual(place);
});

test('numbers of a link are whole and bounded, whatever it says', () => {
  const place = readHash('#line=-5&from=1e9&to=abc&n=7.5&big=99999999999999999999&ok=12');
  expect(numberIn(place, 'line', 3)).toBe(3);
  expect(numberIn(place, 'to', 3)).toBe(3);
  expect(numberIn(place, 'n', 3)).toBe(3);
  expect(numberIn(place, 'ok', 3)).toBe(12);
  expect(numberIn(place, 'ok', 3, 10)).toBe(10);
  expect(numberIn(place, 'missing', 3)).toBe(3);
});
