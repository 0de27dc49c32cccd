// Turns the page, its style, its script and the core into one HTML file.
//
// The modules of the core are kept as data blocks, gzipped and in base64: the page is read without
// parsing them as script, and the history module costs nothing until a database is opened.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { CORES, wasmPath } from './core-files.ts';

export function oneFile(): Plugin {
  return {
    name: 'taskwatcher:one-file',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('the build has no index.html');
      let script = '';
      let style = '';
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === 'chunk') script += part.code;
        else if (name.endsWith('.css')) style += text(part.source);
        if (name !== 'index.html') delete bundle[name];
      }
      const cores = CORES.map((core) => {
        const packed = gzipSync(readFileSync(wasmPath(core)), { level: 9 }).toString('base64');
        return `<script type="application/octet-stream" id="core-${core}">${packed}</script>`;
      });
      const html = text(page.source)
        .replace(/<link[^>]*rel="stylesheet"[^>]*>/g, '')
        .replace(/<script[^>]*src=[^>]*><\/script>/g, '')
        // Functions, because a replacement text would read `$&` in the code as an instruction.
        .replace('</head>', () => `<style>${style}</style></head>`)
        .replace('</body>', () => `${cores.join('\n')}<script type="module">${closeSafe(script)}</script></body>`);
      delete bundle['index.html'];
      this.emitFile({ type: 'asset', fileName: 'taskwatcher-viewer.html', source: html });
    },
  };
}

/** A script element ends at the first `</script`, wherever it stands. */
function closeSafe(script: string): string {
  return script.replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--');
}

function text(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source);
}
