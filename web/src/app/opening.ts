// What is open: starting a worker for a file, replacing it, and saying why when that fails.
import { effect, signal } from '@preact/signals';
import { HistoryModel } from '../history/model';
import { LogModel } from '../log/model';
import { Cancelled, type Client } from '../protocol/client';
import { prepareClient, takeClient } from '../protocol/start';
import { visible } from '../text/visible';
import { tell } from '../ui/save';
import { note, noteOnly, type Place, place, takeTop } from './place';
import { SAMPLES } from './samples';

export interface Source {
  files: File[];
  /** Where the browser gives one: asks for the newest version of the file. */
  handles: FileSystemFileHandle[];
  sample: string | null;
}

export type Current =
  | { kind: 'none' }
  | { kind: 'opening'; name: string }
  | { kind: 'log'; model: LogModel }
  | { kind: 'history'; model: HistoryModel };

export interface Notice {
  title: string;
  text: string;
  /** Nothing went wrong. */
  calm?: boolean;
}

export const current = signal<Current>({ kind: 'none' });
export const notice = signal<Notice | null>(null);

/** Opening says itself when it is over. */
const LONG = 600_000;

let opens = 0;
let client: Client | null = null;
/** The reader of a file that is about to be opened. */
let coming: Client | null = null;
let source: Source | null = null;

effect(() => {
  const now = current.value;
  const name = isOpen(now) ? now.model.name : '';
  if (typeof document !== 'undefined') document.title = name ? `${name} – taskwatcher viewer` : 'taskwatcher viewer';
});

/** What is open stays until the next one is. `keepPlace`: the address already says where to go in it. */
export async function openSource(next: Source, keepPlace = false): Promise<void> {
  coming?.close();
  const own = takeClient();
  coming = own;
  notice.value = null;
  const name = next.files[0]?.name ?? '';
  if (isOpen(current.peek())) tell(`Opening ${visible(name)}…`, LONG);
  else current.value = { kind: 'opening', name };
  const refused = (why: Notice): void => {
    if (coming !== own) return;
    coming = null;
    own.close();
    if (!isOpen(current.peek())) current.value = { kind: 'none' };
    tell('');
    notice.value = why;
  };
  own.listener = { crashed: (message) => refused(crash(name, message)) };
  try {
    // The worker that waited for this file may have failed while nobody listened.
    if (own.failure !== null) return refused(crash(name, own.failure));
    const opened = await own.call('open', { files: next.files });
    if (coming !== own) return;
    const before = current.peek();
    const last = client;
    [client, coming, source] = [own, null, next];
    tell('');
    const same = keepPlace || place.value.get('file') === opened.name;
    const left = takeTop();
    const top = same && !isOpen(before) ? left : undefined;
    if (same) note({ file: opened.name, sample: next.sample }, 'replace');
    else noteOnly({ file: opened.name, sample: next.sample });
    const listener = {
      crashed: (message: string) => crashed(opened.name, message),
      failed: (message: string) => {
        notice.value = { title: `Reading “${opened.name}” stopped`, text: `${message}. Press Reload to read it again.` };
      },
    };
    if (opened.kind === 'log') {
      const model = new LogModel(own, ++opens, opened, next.handles[0] ?? null, listener, () => void reload());
      if (keepPlace && before.kind === 'log') model.carry(before.model);
      else if (top !== undefined) model.restore(place.value, top);
      current.value = { kind: 'log', model };
    } else {
      const model = new HistoryModel(own, ++opens, opened, listener);
      if (keepPlace && before.kind === 'history') model.carry(before.model);
      else if (top !== undefined) model.restore(place.value, top);
      current.value = { kind: 'history', model };
    }
    if (isOpen(before)) before.model.dispose();
    last?.close();
    if (opened.left !== '') notice.value = { title: `“${opened.name}” is open`, text: opened.left, calm: true };
  } catch (error) {
    if (error instanceof Cancelled) return;
    refused({ title: `“${name}” could not be opened`, text: error instanceof Error ? error.message : String(error) });
  } finally {
    prepareClient();
  }
}

export async function openSample(name: string, keepPlace = false): Promise<void> {
  const sample = SAMPLES.find((one) => one.name === name);
  if (!sample) return;
  const file = new File([sample.text()], sample.file, { lastModified: sample.written });
  await openSource({ files: [file], handles: [], sample: name }, keepPlace);
}

/** Reads the same source again. Without a handle the browser keeps only the old version: pick again. */
export async function reload(): Promise<'done' | 'pick' | 'gone'> {
  if (!source) return 'pick';
  if (source.sample !== null) {
    await openSample(source.sample, true);
    return 'done';
  }
  if (source.handles.length === 0) return 'pick';
  try {
    const files = await Promise.all(source.handles.map((handle) => handle.getFile()));
    await openSource({ ...source, files }, true);
    return 'done';
  } catch {
    return 'gone';
  }
}

export function closeFile(): void {
  closeWorker();
  coming?.close();
  coming = source = null;
  current.value = { kind: 'none' };
  prepareClient();
}

export function isOpen(now: Current): now is Extract<Current, { model: unknown }> {
  return now.kind === 'log' || now.kind === 'history';
}

/** Where the lines of a log stand, or the tasks of a history. */
export function topNow(): number | undefined {
  const now = current.value;
  if (now.kind === 'log') return now.model.linePosition.top.value;
  return now.kind === 'history' ? now.model.position.top.value : undefined;
}

/** The browser went back or on: to another place in this file, to a sample, or to what is not open. */
export function returnTo(to: Place, top?: number): void {
  const now = current.peek();
  const open = isOpen(now) ? now.model : null;
  const file = to.get('file');
  const sample = to.get('sample');
  if (open && file === open.name) open.restore(to, top);
  else if (sample !== undefined) void openSample(sample, true);
  else if (file === undefined) closeFile();
  else if (open) {
    notice.value = {
      title: `That was in “${file}”`,
      text: 'A page may not open a file again by itself: drop it, or open it, and the view is as it was.',
    };
  }
}

/** True if the file that the address speaks of is not the one that is open. */
export function isElsewhere(): boolean {
  const wanted = place.value.get('file');
  const now = current.value;
  const have = isOpen(now) ? now.model.name : null;
  return wanted !== undefined && wanted !== have;
}

function closeWorker(): void {
  const now = current.peek();
  if (isOpen(now)) now.model.dispose();
  client?.close();
  client = null;
}

function crashed(name: string, message: string): void {
  closeWorker();
  current.value = { kind: 'none' };
  notice.value = crash(name, message);
  prepareClient();
}

function crash(name: string, message: string): Notice {
  return {
    title: `The reader of “${name}” crashed`,
    text:
      `${message}. Nothing of it is left over; open another file, or this one again. ` +
      'If the same file does it again, please report it with the first lines of the file.',
  };
}

export function unexpected(message: string): void {
  notice.value = {
    title: 'The page met an error of its own',
    text: `${message}. What is shown may be incomplete: press Reload, or open the file again. Please report it.`,
  };
}
