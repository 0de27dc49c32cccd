// How fast the log module is: node wasm/tests/measure.mjs LOG-FILE [STATES].
// Prints milliseconds of the whole index (median of 5), of states at random lines, and the memory.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import init, { Log } from "../pkg/log/log.js";

const [, , path, states = "100"] = process.argv;
const wasm = await init({ module_or_path: readFileSync(new URL("../pkg/log/log_bg.wasm", import.meta.url)) });
const file = openSync(path, "r");
const { size } = fstatSync(file);
const read = (from, to) => {
    const bytes = new Uint8Array(to - from);
    readSync(file, bytes, 0, bytes.length, from);
    return bytes;
};

// Time of the processor, in ms: other work on the machine does not count.
const cpu = () => process.cpuUsage().user / 1000;

const PIECE = 1 << 20;
let log;
const rounds = [];
for (let round = 0; round < (size > 5e8 ? 1 : 5); round++) {
    log?.free();
    log = new Log();
    let pushing = 0;
    for (let at = 0; at < size; at += PIECE) {
        const bytes = read(at, Math.min(at + PIECE, size));
        const start = cpu();
        log.push(bytes);
        pushing += cpu() - start;
    }
    rounds.push(pushing);
}
rounds.sort((a, b) => a - b);
const median = rounds[rounds.length >> 1];
const { lines, keys } = JSON.parse(log.summary());
const memory = () => `${(wasm.memory.buffer.byteLength / 2 ** 20).toFixed(1)} MiB`;
console.log(`index ${median.toFixed(0)} ms, ${(size / median / 1e6).toFixed(2)} GB/s, ${lines} lines, ${keys} keys, ${memory()}`);

const times = [];
let most = 0;
let random = 1;
for (let n = 0; n < Number(states); n++) {
    random = (random * 48271) % 2147483647;
    const line = 1 + Math.floor((random / 2147483647) * lines);
    const start = cpu();
    const [from, to] = log.locate(line);
    most = Math.max(most, to - from);
    log.feed(read(from, to));
    JSON.parse(log.state("pairs"));
    times.push(cpu() - start);
}
times.sort((a, b) => a - b);
if (times.length > 0) {
    console.log(`state p50 ${times[times.length >> 1].toFixed(1)} ms, p95 ${times[Math.floor(times.length * 0.95)].toFixed(1)} ms, at most ${(most / 2 ** 20).toFixed(1)} MiB read, ${memory()}`);
}
const start = cpu();
const chart = log.series(0, 1, lines, 1000);
console.log(`series ${(cpu() - start).toFixed(2)} ms, one point for ${chart.at(-1)} lines`);
closeSync(file);
