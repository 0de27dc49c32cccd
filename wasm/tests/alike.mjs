// Asks the modules what answers.rs has asked the crate on this machine, and compares every answer:
//
//   node wasm/tests/alike.mjs FOLDER    the folder with the files and their .answers
import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync } from "node:fs";
import initLog, { Log } from "../pkg/log/log.js";
import initHistory, { History } from "../pkg/history/history.js";

const module = (name) => readFileSync(new URL(`../pkg/${name}/${name}_bg.wasm`, import.meta.url));
await initLog({ module_or_path: module("log") });
await initHistory({ module_or_path: module("history") });

// The same words for the same answers as in answers.rs.
class Answers {
    lines = [];

    text(question, answer) {
        const line = answer.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
        this.lines.push(`${question}: ${line}`);
    }

    tried(question, ask) {
        let answer;
        try {
            answer = ask();
        } catch (error) {
            // Whatever is no refusal is a crash.
            if (typeof error !== "string") throw error;
            answer = `refused: ${error}`;
        }
        this.text(question, answer);
    }

    numbers(question, ask) {
        let numbers;
        this.tried(question, () => {
            numbers = ask();
            const view = new DataView(new ArrayBuffer(8));
            const bits = (number) => {
                view.setFloat64(0, number);
                return Number.isNaN(number) ? "NaN" : view.getBigUint64(0).toString(16).padStart(16, "0");
            };
            return Array.from(numbers, bits).join(" ");
        });
        return numbers;
    }
}

function askLog(bytes, piece) {
    const answers = new Answers();
    const log = new Log();
    for (let at = 0; at < bytes.length; at += piece) {
        log.push(bytes.subarray(at, at + piece));
    }
    answers.text("summary", log.summary());
    answers.text("keys", log.keys(0, 500));
    answers.text("problems", log.problems(3, 500));
    const { lines, unfinished } = JSON.parse(log.summary());
    let line = 1;
    while (line <= lines + (unfinished > 0 ? 1 : 0)) {
        const block = answers.numbers("block", () => log.block(line));
        const part = bytes.subarray(block[0], block[1]);
        const last = line + block[3];
        answers.text("rows", log.rows(part, line, line, 40));
        answers.text("rows", log.rows(part, line, last - 3, 9));
        answers.numbers("search", () => log.search(part, line, "progress", false));
        answers.numbers("search", () => log.search(part, line, "ERROR", true));
        for (const key of [0, 2]) {
            answers.numbers("series of", () => log.seriesOf(part, line, key, line + 5, last, 60));
        }
        line = last;
    }
    for (const key of [0, 1, 5, 99999]) {
        answers.numbers("series", () => log.series(key, 2, line, 100));
    }
    for (const share of [0, 0.1, 0.37, 0.5, 0.93, 1]) {
        const needed = answers.numbers("locate", () => log.locate(Math.floor(share * (line - 1))));
        if (needed === undefined) continue;
        for (let at = needed[0]; at < needed[1]; at += piece) {
            log.feed(bytes.subarray(at, Math.min(at + piece, needed[1])));
        }
        for (const form of ["pairs", "json", "feedback", "xml"]) {
            answers.tried(form, () => log.state(form));
        }
    }
    answers.numbers("locate", () => log.locate(line + 10));
    log.finish();
    answers.text("finished", log.summary());
    answers.text("finished", log.keys(0, 500));
    log.push(Buffer.from("]\n[more]1\n[more"));
    log.finish();
    answers.text("grown", log.summary());
    answers.text("grown", log.keys(0, 500));
    log.free();
    return answers.lines;
}

function openDatabase(path) {
    const log = `${path}-wal`;
    const files = [openSync(path), existsSync(log) ? openSync(log) : undefined];
    const read = (file, offset, length) => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(files[file], bytes, 0, length, offset));
    };
    const size = files[1] === undefined ? undefined : statSync(log).size;
    const close = () => files.filter((file) => file !== undefined).forEach(closeSync);
    return { open: () => History.open(read, statSync(path).size, size), close };
}

function askHistory(open) {
    const answers = new Answers();
    let history;
    try {
        history = open();
    } catch (error) {
        if (typeof error !== "string") throw error;
        answers.text("open", error);
        return answers.lines;
    }
    answers.text("info", history.info());
    answers.tried("tasks", () => history.tasks());
    for (const rows of [1, 100, 1e6]) {
        answers.numbers("load", () => [history.load(rows)]);
    }
    for (const column of ["id", "endtime", "exitcode", "elapsed_ms", "odd"]) {
        answers.numbers("numbers", () => history.numbers(column));
    }
    for (const column of ["taskname", "outcome", "termsignal", "termerror", "command", "info2", "id"]) {
        answers.numbers("codes", () => history.codes(column));
        answers.tried("words", () => history.words(column));
    }
    answers.numbers("timelines", () => history.timelines(1, 30));
    for (const [first, count] of [[0, 2], [350, 5], [1e9, 5], [0, 1e9]]) {
        answers.tried("rows", () => history.rows(first, count));
    }
    history.free();
    return answers.lines;
}

const folder = process.argv[2];
let passed = 0;
let failed = 0;

function compare(name, lines) {
    const wanted = readFileSync(`${folder}/${name}.answers`, "utf8").split("\n").slice(0, -1);
    const at = wanted.findIndex((line, n) => line !== lines[n]);
    if (at < 0 && wanted.length === lines.length) {
        passed++;
        return;
    }
    failed++;
    const n = at < 0 ? wanted.length : at;
    const [machine = "nothing", browser = "nothing"] = [wanted[n], lines[n]];
    let same = 0;
    while (same < machine.length && machine[same] === browser[same]) same++;
    const part = (line) => line.slice(Math.max(0, same - 60), same + 60);
    console.error(`${name}: answer ${n + 1} differs\n  machine: …${part(machine)}\n  module:  …${part(browser)}`);
}

for (const file of readdirSync(folder).filter((file) => file.endsWith(".answers")).sort()) {
    const name = file.slice(0, -".answers".length);
    const path = `${folder}/${name}`;
    if (name.endsWith(".log")) {
        const bytes = readFileSync(path);
        for (const piece of [bytes.length < 9000 ? 1 : 4001, 1 << 20]) {
            compare(name, askLog(bytes, piece));
        }
    } else if (name.endsWith(".db")) {
        const { open, close } = openDatabase(path);
        compare(name, askHistory(open));
        close();
    } else {
        compare(name, askHistory(() => History.parse(readFileSync(path))));
    }
}
// A file that cannot be read any more is a refusal as well.
const gone = () => History.open(() => { throw new Error("NotReadableError"); }, 8192, undefined);
const [answer] = askHistory(gone);
if (answer.includes("open it again")) passed++;
else { failed++; console.error(`a file that is gone: ${answer}`); }

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed < 10 ? 1 : 0);
