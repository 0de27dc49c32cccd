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
    const low = later.min[p] ?? value;
    const high = later.max[p] ?? value;
    const { min, max } = into;
    min[p] = Number.isNaN(min[p] ?? NaN) ? low : Math.min(min[p] ?? low, low);
    max[p] = Number.isNaN(max[p] ?? NaN) ? high : Math.max(max[p] ?? high, high);
    into.last[p] = value;
  }
}
