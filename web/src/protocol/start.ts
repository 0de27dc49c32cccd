// Starts workers and hands them the core.
//
// A module's bytes are fetched once for the page, however many files are opened; each worker
// compiles them itself, as a page from file:// may not hand compiled modules on. One worker waits
// in advance, so that the first rows come quickly.
import ReaderWorker from '../worker/main?worker&inline';
import urls from 'virtual:core-urls';
import { Client } from './client';
import type { Core } from './messages';

// With Trusted Types on, the only script this page can ever start is a blob of its own making.
globalThis.trustedTypes?.createPolicy('default', {
  createScriptURL: (url) => (url.startsWith('blob:') ? url : null),
});

const cores = new Map<Core, Promise<ArrayBuffer>>();
let waiting: Client | null = null;

export function prepareClient(): void {
  waiting ??= new Client(new ReaderWorker(), bytesOf);
}

export function takeClient(): Client {
  prepareClient();
  const client = waiting;
  waiting = null;
  if (!client) throw new Error('no worker');
  return client;
}

function bytesOf(core: Core): Promise<ArrayBuffer> {
  let found = cores.get(core);
  if (!found) {
    found = load(core);
    // A failure is not kept: the next file may have more luck.
    found.catch(() => cores.delete(core));
    cores.set(core, found);
  }
  return found;
}

async function load(core: Core): Promise<ArrayBuffer> {
  if (!__ONE_FILE__) {
    const url = urls[core];
    if (!url) throw new Error('it is not part of this build');
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${url}`);
    return answer.arrayBuffer();
  }
  const packed = document.getElementById(`core-${core}`)?.textContent;
  if (!packed) throw new Error('it is missing in this page; was the file saved completely?');
  const raw = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
