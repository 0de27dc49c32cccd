import { expect, test } from 'vitest';
import { csvCell, csvLine } from '../src/text/csv';

test.each(['=1+1', '+1+cmd', '-2+3', '@SUM(A1)', '\t=1', ' =1', '|calc', '%x', '＝1', '\r=1', '\u0000=1'])('%j becomes text', (text) => {
  expect(csvCell(text).replace(/^"/, '').startsWith("'")).toBe(true);
});

test('numbers stay numbers', () => {
  expect(csvCell('-12.5')).toBe('-12.5');
  expect(csvCell('0')).toBe('0');
});

test('separators, quotes and line ends are quoted', () => {
  expect(csvLine(['a,b', 'c"d', 'e\nf', 'g'])).toBe('"a,b","c""d","e\nf",g\r\n');
});
