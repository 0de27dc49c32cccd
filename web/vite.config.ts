// Two builds of the same sources. `vite build` gives dist/, files for any web server;
// `vite build --mode onefile` gives onefile/taskwatcher-viewer.html, which works from file://.
import { defineConfig } from 'vite';
import { coreFiles } from './build/core-files.ts';
import { oneFile } from './build/one-file.ts';
import { pagePolicy } from './build/page-policy.ts';

export default defineConfig(({ mode }) => {
  const single = mode === 'onefile';
  return {
    base: './',
    define: { __ONE_FILE__: JSON.stringify(single) },
    build: {
      target: 'es2022',
      outDir: single ? 'onefile' : 'dist',
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      modulePreload: false as const,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1000,
      rolldownOptions: single ? { output: { codeSplitting: false } } : {},
    },
    // A classic worker: from file:// a browser refuses module workers made of blobs.
    worker: { format: 'iife' as const, plugins: () => [coreFiles('worker')] },
    plugins: [coreFiles(single ? 'none' : 'url'), ...(single ? [oneFile()] : []), pagePolicy(single)],
  };
});
