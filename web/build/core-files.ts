// Where the page finds the two WebAssembly modules of the core.
//
// The glue that comes with a module names its .wasm file as a default location. The viewer always
// hands the compiled module over, so that default is taken out: otherwise the bundler would copy
// the binary into the worker as well.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

export const CORES = ['log', 'history'] as const;
export type Core = (typeof CORES)[number];

export function wasmPath(core: Core): string {
  return fileURLToPath(new URL(`../../wasm/pkg/${core}/${core}_bg.wasm`, import.meta.url));
}

const VIRTUAL = 'virtual:core-urls';

/** `url`: emits the modules beside the page. `none`: the one-file build embeds them itself. */
export function coreFiles(mode: 'url' | 'none' | 'worker'): Plugin {
  let serving = false;
  return {
    name: 'taskwatcher:core-files',
    enforce: 'pre',
    configResolved(config) {
      serving = config.command === 'serve';
    },
    resolveId(id) {
      return id === VIRTUAL ? `\0${VIRTUAL}` : null;
    },
    load(id) {
      if (id !== `\0${VIRTUAL}`) return null;
      if (mode !== 'url') return 'export default {};';
      if (serving) {
        const urls = CORES.map((core) => `${core}: ${JSON.stringify(`/@fs${wasmPath(core)}`)}`);
        return `export default { ${urls.join(', ')} };`;
      }
      const urls = CORES.map((core) => {
        const reference = this.emitFile({
          type: 'asset',
          name: `${core}.wasm`,
          source: readFileSync(wasmPath(core)),
        });
        return `${core}: import.meta.ROLLUP_FILE_URL_${reference}`;
      });
      return `export default { ${urls.join(', ')} };`;
    },
    transform(code, id) {
      if (!/wasm\/pkg\/\w+\/\w+\.js$/.test(id)) return null;
      return {
        code: code.replace(/new URL\('\w+_bg\.wasm', import\.meta\.url\)/g, 'undefined'),
        map: null,
      };
    },
  };
}
