// The numbers of a chart as the core packs them, and two halves of a range put together.
import type { Series } from '../protocol/messages';

/** `packed`: minima, maxima, last values, then the number before and the resolution. */
export function seriesFrom(packed: Float64Array, width: number, exact: boolean): Series {
  return {
    min: packed.slice(0, width),
    max: packed.slice(width, 2 * width),
    last: packed.slice(2 * width, 3 * width),
    before: packed[3 * width] ?? NaN,
    exact,
  };
}

/** Adds a later part of the same range. */
export function merge(into: Series, later: Series): void {
  for (let p = 0; p < into.min.length; p++) {
    const value = later.last[p] ?? NaN;
    if (Number.isNaN(value)) continue;
    into.last[p] = value;
    into.min[p] = either(Math.min, into.min[p], later.min[p]);
    into.max[p] = either(Math.max, into.max[p], later.max[p]);
  }
}

/** Of two numbers the one, of a number and none the number. */
function either(of: (a: number, b: number) => number, one = NaN, other = NaN): number {
  return Number.isNaN(one) ? other : Number.isNaN(other) ? one : of(one, other);
}
