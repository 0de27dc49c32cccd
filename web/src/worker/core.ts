// The core, compiled and instantiated once in this worker.
import initHistory from '../../../wasm/pkg/history/history.js';
import initLog from '../../../wasm/pkg/log/log.js';
import type { Core, FromWorker } from '../protocol/messages';

type Init = (input: { module_or_path: BufferSource }) => Promise<{ memory: WebAssembly.Memory }>;
const init: Record<Core, Init> = { log: initLog, history: initHistory };
const arrivals = new Map<Core, (bytes: ArrayBuffer) => void>();
const ready = new Map<Core, Promise<WebAssembly.Memory>>();

/** Asks the page for a module, unless it is here, and waits until it can be used. */
export function core(name: Core): Promise<WebAssembly.Memory> {
  let found = ready.get(name);
  if (!found) {
    const bytes = new Promise<ArrayBuffer>((resolve) => arrivals.set(name, resolve));
    const need: FromWorker = { type: 'need', core: name };
    self.postMessage(need);
    found = bytes.then((arrived) => init[name]({ module_or_path: arrived })).then(({ memory }) => memory);
    ready.set(name, found);
  }
  return found;
}

/** After these the memory of the core may hold anything. */
export function isFatal(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

export function haveCore(name: Core, bytes: ArrayBuffer): void {
  arrivals.get(name)?.(bytes);
}
