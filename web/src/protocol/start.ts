// Starts workers and hands them the compiled core.
//
// A module is fetched and compiled once for the page, however many files are opened; each worker
// instantiates it afresh. One worker waits in advance, so that the first rows come quickly.
import ReaderWorker from '../worker/main?worker&inline';
import urls from 'virtual:core-urls';
import { Client } from './client';
import type { Core } from './messages';

// With Trusted Types on, the only script this page can ever start is a blob of its own making.
globalThis.trustedTypes?.createPolicy('default', {
  createScriptURL: (url) => (url.startsWith('blob:') ? url : null),
});

const modules = new Map<Core, Promise<WebAssembly.Module>>();
let waiting: Client | null = null;

export function prepareClient(): void {
  waiting ??= new Client(new ReaderWorker(), module);
}

export function takeClient(): Client {
  prepareClient();
  const client = waiting;
  waiting = null;
  if (!client) throw new Error('no worker');
  return client;
}

function module(core: Core): Promise<WebAssembly.Module> {
  let found = modules.get(core);
  if (!found) {
    found = bytes(core).then((data) => WebAssembly.compile(data));
    // A failure is not kept: the next file may have more luck.
    found.catch(() => modules.delete(core));
    modules.set(core, found);
  }
  return found;
}

async function bytes(core: Core): Promise<ArrayBuffer> {
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
