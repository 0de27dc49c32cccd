// Numbers as people read them.

// Making one costs; using one does not.
const decimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1,234,567 */
export function count(number: number): string {
  return grouped.format(number);
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function bytes(number: number): string {
  if (number < 1000) return `${number} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let size = number;
  let unit = 'B';
  for (const next of units) {
    if (size < 1000) break;
    size /= 1000;
    unit = next;
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}

/** Short, for axes and values beside a chart. */
export function short(number: number): string {
  if (Number.isNaN(number)) return '–';
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) return number.toExponential(2);
  return decimal.format(Number(number.toPrecision(size >= 1e5 ? 15 : 6)));
}

/** A percentage from 0 to 100, or null where the text is none: `45`, `45.5`, `45 %`. */
export function percent(text: string): number | null {
  const found = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(text);
  const number = Number(found?.[1]);
  return found && number <= 100 ? number : null;
}

/** Keys that a portal draws as bars. */
export function isProgress(key: string): boolean {
  return key === 'progress' || key.endsWith('_progress');
}
