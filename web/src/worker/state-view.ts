// Cuts a whole state down to what a page shows of it.
import type { Pair, State } from '../protocol/core-types';
import type { Params, StateView } from '../protocol/messages';
import { clip } from '../text/visible';

/** Longer values are shown by their start; the whole goes out as JSON or as a feedback file. */
export const LONG = 1 << 18;
const START = 100;
const MOST_BEFORE = 100;

export function viewOf(state: State, { first, filter, most }: Params<'state'>): StateView {
  const wanted = filter.toLowerCase();
  const fits = ({ key, value }: Pair): boolean =>
    wanted === '' || key.toLowerCase().includes(wanted) || value.toLowerCase().includes(wanted);
  const front = new Set(first);
  const fitting = state.pairs.filter(fits);
  const ahead = first.flatMap((key) => fitting.find((pair) => pair.key === key) ?? []);
  const pairs = [...ahead, ...fitting.filter(({ key }) => !front.has(key))].slice(0, most);
  return {
    line: state.line,
    total: state.pairs.length,
    fitting: fitting.length,
    pairs: pairs.map((pair) => ({ ...pair, value: clip(pair.value, LONG), cut: pair.value.length > LONG })),
    values: state.pairs.flatMap(({ key, value }) => (front.has(key) ? [[key, clip(value, START)]] : [])),
    changed: state.before.length,
    before: state.before.slice(0, MOST_BEFORE).map((pair) => ({ ...pair, value: clip(pair.value, START) })),
  };
}
