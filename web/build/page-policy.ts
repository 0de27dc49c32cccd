// The content security policy of both builds: nothing may be loaded but the page's own parts, and
// no text may become markup or script (Trusted Types).
import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

export function pagePolicy(single: boolean): Plugin {
  return {
    name: 'taskwatcher:page-policy',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const part of Object.values(bundle)) {
          if (part.type !== 'asset' || !part.fileName.endsWith('.html')) continue;
          const html = typeof part.source === 'string' ? part.source : new TextDecoder().decode(part.source);
          const policy = single
            ? policyOf(hashes(html, 'script'), hashes(html, 'style'), '')
            : policyOf("'self'", "'self'", "connect-src 'self'; ");
          const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
          part.source = html.replace('<meta charset="utf-8">', (charset) => `${charset}\n${meta}`);
        }
      },
    },
  };
}

function policyOf(script: string, style: string, connect: string): string {
  return (
    `default-src 'none'; script-src ${script} 'wasm-unsafe-eval'; style-src ${style}; ` +
    `img-src data:; worker-src blob:; ${connect}base-uri 'none'; form-action 'none'; ` +
    `require-trusted-types-for 'script'; trusted-types default`
  );
}

/** Data blocks are no scripts: only what would run is listed. */
function hashes(html: string, tag: 'script' | 'style'): string {
  const element = new RegExp(`<${tag}(?: type="module")?>([\\s\\S]*?)</${tag}>`, 'g');
  return [...html.matchAll(element)]
    .map(([, text]) => `'sha256-${createHash('sha256').update(text ?? '').digest('base64')}'`)
    .join(' ');
}
