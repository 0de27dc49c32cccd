import { expect, test } from 'vitest';
import { AREA, clampTop, scaleOf, toContent, toScroll } from '../src/ui/scroll-scale';

const VIEW = 700;
const ROW = 20;

test('a short list is one to one', () => {
  const scale = scaleOf(1000, ROW);
  expect(scale).toEqual({ content: 20_000, area: 20_000 });
  expect(toContent(scale, 1234, VIEW)).toBe(1234);
  expect(toScroll(scale, 1234, VIEW)).toBe(1234);
});

test.each([500_000, 10_000_000, 60_000_000, 1_000_000_000])('%d rows: both ends are exact, and nothing between goes backwards', (rows) => {
  const scale = scaleOf(rows, ROW);
  expect(scale.area).toBe(AREA);
  expect(toContent(scale, 0, VIEW)).toBe(0);
  expect(toContent(scale, AREA - VIEW, VIEW)).toBe(rows * ROW - VIEW);
  expect(toContent(scale, 100, VIEW)).toBe(100);
  expect(toContent(scale, AREA - VIEW - 100, VIEW)).toBe(rows * ROW - VIEW - 100);
  let before = -1;
  for (let at = 0; at <= AREA - VIEW; at += 9973) {
    const here = toContent(scale, at, VIEW);
    expect(here).toBeGreaterThan(before);
    before = here;
    expect(Math.abs(toScroll(scale, here, VIEW) - at)).toBeLessThan(0.01);
  }
});

test('a top outside the list is brought inside', () => {
  const scale = scaleOf(100, ROW);
  expect(clampTop(scale, 99_999, VIEW)).toBe(2000 - VIEW);
  expect(clampTop(scale, -5, VIEW)).toBe(0);
});
