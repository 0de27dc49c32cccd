// How fast the history module is: node wasm/tests/measure-history.mjs DATABASE.
import { openSync, readFileSync, readSync, statSync } from "node:fs";
import init, { History } from "../pkg/history/history.js";

const [, , path] = process.argv;
const wasm = await init({ module_or_path: readFileSync(new URL("../pkg/history/history_bg.wasm", import.meta.url)) });
const file = openSync(path);
let calls = 0;
const read = (_, offset, length) => {
    calls++;
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
};
// Time of the processor, in ms: other work on the machine does not count.
const timed = (name, ask) => {
    const start = process.cpuUsage().user;
    const answer = ask();
    console.log(`${name} ${((process.cpuUsage().user - start) / 1000).toFixed(1)} ms`);
    return answer;
};

const history = timed("open", () => History.open(read, statSync(path).size, undefined));
const { history: rows } = JSON.parse(history.info());
timed(`load ${rows} rows`, () => { while (history.load(5000) < rows); });
timed("a column of numbers", () => history.numbers("starttime"));
timed("a column of texts", () => [history.codes("taskname"), history.words("taskname")]);
timed("10,000 timelines", () => history.timelines(0, 10_000));
timed("one record", () => JSON.parse(history.rows(Math.floor(rows / 2), 1)));
timed("100 records", () => JSON.parse(history.rows(Math.floor(rows / 3), 100)));
console.log(`${calls} reads, ${(wasm.memory.buffer.byteLength / 2 ** 20).toFixed(1)} MiB`);
