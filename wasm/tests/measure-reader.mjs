// How fast the plain reader is as a module, and which part of its native speed that is:
//   node wasm/tests/measure-reader.mjs LOG-FILE...
// The bytes are copied into the module first, which counts. Needs what wasm/build installs.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = `${root}target/reader-module`;
const run = (program, words, env = {}) => execFileSync(program, words, { cwd: root, env: { ...process.env, ...env }, encoding: "utf8" });
run("cargo", ["build", "--quiet", "--locked", "--profile", "wasm", "--target", "wasm32-unknown-unknown", "-p", "taskwatcher-wasm", "--example", "reader", "--no-default-features"],
    { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: "-C target-feature=+simd128" });
run("target/tools/bin/wasm-bindgen", ["--target", "web", "--out-dir", out, "--out-name", "reader", "target/wasm32-unknown-unknown/wasm/examples/reader.wasm"]);
const { default: init, Reading } = await import(pathToFileURL(`${out}/reader.js`));
await init({ module_or_path: readFileSync(`${out}/reader_bg.wasm`) });

const PIECE = 1 << 20;
const ROUNDS = 9;
for (const path of process.argv.slice(2)) {
    const log = readFileSync(path);
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
        const reading = new Reading();
        const start = performance.now();
        for (let at = 0; at < log.length; at += PIECE) reading.push(log.subarray(at, at + PIECE), 1);
        rounds.push(performance.now() - start);
        reading.free();
    }
    rounds.sort((a, b) => a - b);
    const here = log.length / rounds[ROUNDS >> 1] / 1e6;
    const native = Number(run("cargo", ["run", "--quiet", "--release", "--locked", "-p", "taskwatcher-core", "--example", "rate", path]));
    console.log(`${path}: module ${here.toFixed(2)} GB/s, native ${native.toFixed(2)}, ${Math.round((100 * here) / native)} %`);
}
