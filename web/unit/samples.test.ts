import { expect, test } from 'vitest';
import { labWeek, SAMPLE_NOW } from '../src/app/sample-data';

test('nothing of the sample history is later than the file itself', () => {
  const { history } = JSON.parse(labWeek()) as { history: { starttime: number; endtime: number; timeline: [number, string][] }[] };
  expect(history.length).toBe(360);
  for (const { starttime, endtime, timeline } of history) {
    expect(endtime).toBeLessThanOrEqual(SAMPLE_NOW);
    for (const [ms] of timeline) {
      expect(ms / 1000).toBeGreaterThanOrEqual(starttime);
      expect(ms / 1000).toBeLessThanOrEqual(endtime + 1);
    }
  }
});
