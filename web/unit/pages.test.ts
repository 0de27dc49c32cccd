import { expect, test } from 'vitest';
import { Pages } from '../src/ui/pages';

test('rows that come while an answer is on its way are not missed', async () => {
  const answers: (() => void)[] = [];
  const lists = [8, 17];
  const pages = new Pages<number>(
    () => {
      const rows = Array.from({ length: lists.shift() ?? 0 }, (_, n) => n);
      return new Promise((resolve) => answers.push(() => resolve(rows)));
    },
    () => {},
  );
  pages.want(0, 8, 8);
  pages.grown(8);
  pages.want(0, 17, 17);
  expect(answers).toHaveLength(2);
  for (const answer of [...answers].reverse()) answer();
  await expect.poll(() => pages.get(16)).toBe(16);
});
