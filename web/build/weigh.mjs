// Prints the sizes that the project promises, gzipped, and fails where one is passed.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const limits = { script: 60, 'log module': 60, 'database module': 350, 'one file': 600 };
const weights = { script: 0, 'log module': 0, 'database module': 0, 'one file': 0 };
const weigh = (path) => gzipSync(readFileSync(path), { level: 9 }).length / 1000;

for (const name of readdirSync('dist/assets')) {
  const weight = weigh(`dist/assets/${name}`);
  if (name.endsWith('.js')) weights.script += weight;
  else if (name.startsWith('log') && name.endsWith('.wasm')) weights['log module'] += weight;
  else if (name.endsWith('.wasm')) weights['database module'] += weight;
}
weights['one file'] = weigh('onefile/taskwatcher-viewer.html');

let over = false;
for (const [part, limit] of Object.entries(limits)) {
  const weight = weights[part];
  over ||= weight > limit;
  console.log(`${part.padEnd(16)} ${weight.toFixed(1).padStart(7)} kB gzipped, limit ${limit}`);
}
if (over) process.exitCode = 1;
