import { expect, test } from 'vitest';
import type { State } from '../src/protocol/core-types';
import { LONG, viewOf } from '../src/worker/state-view';

const state: State = {
  line: 9,
  pairs: [
    { key: 'a', value: '1', line: 1 },
    { key: 'Beta', value: 'x'.repeat(LONG + 5), line: 2 },
    { key: 'c', value: 'beta', line: 9 },
  ],
  before: Array.from({ length: 300 }, (_, n) => ({ key: `k${n}`, value: 'y'.repeat(500), line: n })),
};
const ask = { line: 9, first: ['c', 'absent'], filter: '', most: 10 };

test('what is pinned comes first, the rest in its own order', () => {
  const view = viewOf(state, ask);
  expect(view.pairs.map(({ key }) => key)).toEqual(['c', 'a', 'Beta']);
  expect(view).toMatchObject({ line: 9, total: 3, fitting: 3, changed: 300, values: [['c', 'beta']] });
});

test('a view is bounded in pairs and in text', () => {
  const view = viewOf(state, { ...ask, most: 1 });
  expect(view.pairs).toHaveLength(1);
  expect(view.fitting).toBe(3);
  expect(view.before).toHaveLength(100);
  expect(view.before[7]).toEqual({ key: 'k7', value: `${'y'.repeat(100)}…`, line: 7 });
  const long = viewOf(state, ask).pairs.find(({ key }) => key === 'Beta');
  expect(long?.cut).toBe(true);
  expect(long?.value.length).toBeLessThanOrEqual(LONG + 1);
});

test('a filter looks at keys and values, and pinned values are told all the same', () => {
  const view = viewOf(state, { ...ask, filter: 'BETA' });
  expect(view.pairs.map(({ key }) => key)).toEqual(['c', 'Beta']);
  expect(viewOf(state, { ...ask, filter: 'nothing' })).toMatchObject({ fitting: 0, pairs: [], values: [['c', 'beta']] });
});
