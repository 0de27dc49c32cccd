// Where the reader is, as the hash of the address: a link that leads back to it.
//
// The hash never holds anything of a file but its name. Steps that a person would want to take back
// (another view, a jump) are pushed; steady movement (scrubbing, scrolling) only replaces.
import { signal } from '@preact/signals';

export type Place = ReadonlyMap<string, string>;
export type Change = Record<string, string | number | null | undefined>;

export const place = signal<Place>(new Map());

/** What the address does not say of a place, and what Back should find again all the same. */
interface Keeper<Kept> {
  restore(place: Place, kept: Kept | undefined): void;
  keep(): Kept;
}
let keeper: Keeper<unknown> = { restore: () => {}, keep: () => undefined };
const kept = new Map<number, unknown>();
/** How many steps this one is behind the first: the browser's name for it. */
let entry = 0;
let written = '';
/** What the address does not say yet, and how it will. */
let waiting: { how: 'push' | 'replace'; timer: number } | null = null;

/** Reads the address, and from then on restores places whenever the browser changes it. */
export function startPlace<Kept>(own: Keeper<Kept>): void {
  keeper = own as Keeper<unknown>;
  place.value = readHash(location.hash);
  written = location.hash;
  entry = Number(history.state ?? 0);
  addEventListener('popstate', returned);
  addEventListener('hashchange', returned);
}

function returned(): void {
  if (location.hash === written) return;
  flush(false);
  kept.set(entry, keeper.keep());
  entry = Number(history.state ?? 0);
  written = location.hash;
  place.value = readHash(location.hash);
  keeper.restore(place.value, kept.get(entry));
}

/** To be somewhere else altogether: what is not named here is taken out. */
export function noteOnly(change: Change): void {
  const none = Object.fromEntries([...place.value.keys()].map((name) => [name, null]));
  note({ ...none, ...change }, 'push');
}

/** `null` and the empty text take a part out. */
export function note(change: Change, how: 'push' | 'replace'): void {
  const next = new Map(place.value);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  if (writeHash(next) === writeHash(place.value)) return;
  // A step of its own ends what came before it.
  if (how === 'push') {
    flush(true);
    kept.set(entry, keeper.keep());
  }
  place.value = next;
  if (waiting) return;
  // Browsers refuse more than some hundred changes in half a minute, and take milliseconds for each:
  // a steady movement is written now and then, a step once the page has answered to it.
  waiting = { how, timer: window.setTimeout(() => flush(true), how === 'push' ? 0 : 400) };
}

function flush(keep: boolean): void {
  if (!waiting) return;
  const { how, timer } = waiting;
  clearTimeout(timer);
  waiting = null;
  if (keep) write(how);
}

function write(how: 'push' | 'replace'): void {
  const hash = writeHash(place.value);
  if (hash === written || (hash === '#' && written === '')) return;
  written = hash;
  const address = location.pathname + location.search + hash;
  if (how === 'push') {
    kept.delete(++entry);
    history.pushState(entry, '', address);
  } else history.replaceState(entry, '', address);
  // What the browser made of it, so that a later comparison is with the same spelling.
  written = location.hash;
}

export function readHash(hash: string): Place {
  return new Map(new URLSearchParams(hash.replace(/^#/, '')));
}

export function writeHash(from: Place): string {
  return `#${new URLSearchParams([...from]).toString()}`;
}

/** A whole number within bounds, or the fallback: a link may hold anything. */
export function numberIn(from: Place, name: string, fallback: number, most = Number.MAX_SAFE_INTEGER): number {
  const text = from.get(name);
  const number = Number(text);
  return text !== undefined && Number.isInteger(number) && number >= 0 ? Math.min(number, most) : fallback;
}
