// Round numbers for an axis.

/** At most `most` marks between two numbers, on steps of 1, 2 or 5 times a power of ten. */
export function ticks(from: number, to: number, most: number): number[] {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span) || most < 1) return [];
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((size) => size >= rough * (1 - 1e-9)) ?? 10 * power;
  const found: number[] = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9 && found.length <= most; n++) {
    // Steps below one carry the error of their division; a mark is a round number.
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}
