// The files that the tests open: made once for a run, in a folder of their own.
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const FOLDER = process.env['VIEWER_FILES'] ?? join(tmpdir(), 'viewer-files');
const at = (name: string): string => join(FOLDER, name);

export const FILES = {
  small: at('small.log'),
  empty: at('empty.log'),
  emptyExport: at('empty.json'),
  fresh: at('fresh.db'),
  hundred: at('hundred.log'),
  hostileLog: at('hostile.log'),
  hostileExport: at('hostile.json'),
  export: at('export.json'),
  database: at('lab.db'),
  wal: at('lab.db-wal'),
  old: at('old.db'),
  large: at('large.db'),
  foreign: at('foreign.db'),
  gzip: at('run.log.gz'),
  prose: at('prose.txt'),
  broken: at('broken.json'),
};

/** One step of the hundred-megabyte log: 10 lines. */
export const HUNDRED_LINES = 5_000_000;

export const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

/** A gigabyte of the same shape, for measuring only. */
export function makeGigabyte(): string {
  const path = at('gigabyte.log');
  if (existsSync(path)) return path;
  const block = logBlock();
  const file = openSync(path, 'w');
  for (let size = 0; size < 1_000_000_000; size += block.length) writeSync(file, block);
  closeSync(file);
  return path;
}

export function makeFiles(): void {
  mkdirSync(FOLDER, { recursive: true });
  makeLogs();
  makeExports();
  makeDatabases();
  // As after a checkpoint with more to come: the database is older than its -wal.
  utimesSync(FILES.database, 1_772_435_050, 1_772_435_050);
  utimesSync(FILES.wal, 1_772_435_400, 1_772_435_400);
}

function makeLogs(): void {
  const lines = ['# 2026-03-02 07:00:00', '[playbook]smoke', '[start_time]1772434800'];
  for (let n = 1; n <= 100; n++) lines.push(`[progress]${n}`, `[temperature]${20 + (n % 7)}`);
  lines.push('no bracket here', '[report]{"cases":[{"id":"001","ms":9007199254740993}]}', '[playbook]', '[done]yes');
  writeFileSync(FILES.small, `${lines.join('\n')}\n`);

  writeFileSync(
    FILES.hostileLog,
    [
      `[${HOSTILE.replace(/[\s[\]]/g, '')}]1`,
      `[markup]${HOSTILE}`,
      `[json]{"${'<b>'}":${JSON.stringify(HOSTILE)},"__proto__":1,"n":9007199254740993}`,
      '[__proto__]polluted',
      '[constructor]x',
      '[escape]\u001b]0;owned\u0007\u001b[2J\u001b[31mred',
      '[bidi]abc\u202etxt.exe',
      '[formula]=HYPERLINK("http://example.invalid","x")',
      `[huge]${'A'.repeat(1_000_000)}`,
      '[progress]1e999',
      '[soak_progress]-5',
      '[number]1e308',
      '[number]-1e308',
      '[number]NaN',
      HOSTILE,
      `[${'k'.repeat(5000)}]long key`,
      '[deep]' + '['.repeat(5000) + ']'.repeat(5000),
    ].join('\n') + '\n',
  );
  writeFileSync(FILES.empty, '');
  writeFileSync(FILES.prose, 'Dear reader,\nthis is a letter.\n');
  writeFileSync(FILES.emptyExport, '{"format":"taskwatcher/1"}');
  writeFileSync(FILES.gzip, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0));

  if (existsSync(FILES.hundred)) return;
  const block = logBlock();
  const file = openSync(`${FILES.hundred}`, 'w');
  for (let n = 0; n < HUNDRED_LINES / 50_000; n++) writeSync(file, block);
  closeSync(file);
}

/** 50,000 lines, 20 bytes each: what a producer writes. */
function logBlock(): string {
  return Array.from({ length: 5000 }, (_, n) =>
    `[testcase_id]${String(n % 1000).padStart(3, '0')}\n[testcase_name]Setting up topology\n[testcase_progress]10\n[temperature]${(30 + (n % 90) / 3).toFixed(1)}\n` +
    `[frames]${n * 31}\n[testcase_progress]50\n[heartbeat]\n[testcase_progress]90\n[latency]0.${n % 100}\n[progress]${n % 101}\n`,
  ).join('');
}

function makeExports(): void {
  const row = (id: number, change: object): object => ({
    id, taskid: id, taskname: 'smoke', info1: null, info2: null, info3: null, termsignal: null, termerror: null,
    starttime: 1_772_434_800 + id * 100, endtime: 1_772_434_850 + id * 100, duration: 50, feedback: null, exitcode: 0,
    outcome: 'succeeded', command: ['smoke', '--all', 'bench 3'], cwd: '/srv', host: 'bench-1', elapsed_ms: 50_000, user_ms: 10,
    system_ms: 5, maxrss_kb: 4096, leftovers: 0, timeline: [[(1_772_434_800 + id * 100) * 1000, 'RUNNING']], ...change,
  });
  const history = [
    row(1, {}),
    row(2, { outcome: 'failed', exitcode: 3, termerror: 'exit status 3', taskname: 'flash', elapsed_ms: 20_000 }),
    row(3, { outcome: 'lost', exitcode: null, feedback: { progress: '40', report: '{"cases":[{"id":"001","ms":9007199254740993}]}' } }),
    row(4, { outcome: 'signalled', exitcode: null, termsignal: 'SIGSEGV', elapsed_ms: 1000 }),
  ];
  const tasks = [
    { taskid: 9, name: 'soak', status: 'RUNNING', feedback: true, starttime: 1_772_434_900, command: ['soak'], timeline: [[1_772_434_900_000, 'RUNNING'], [1_772_434_950_000, 'SILENT']] },
  ];
  writeFileSync(FILES.export, JSON.stringify({ format: 'taskwatcher/1', tasks, history, feedbacks: [{ id: 9, feedback: { progress: '12' }, lastupdate: 1 }] }));
  writeFileSync(FILES.broken, '{"format":"taskwatcher/1","history":[{"id":1,');

  const evil = row(1, {
    taskname: HOSTILE, info1: '=1+1', info2: '@SUM(A1)', info3: '\u001b[31m', host: '+cmd', outcome: '<b>x', termsignal: '-x', termerror: HOSTILE,
    starttime: 9_000_000_000_000_000, endtime: -9_000_000_000_000_000, elapsed_ms: 9_223_372_036_854_775_000, command: [HOSTILE, '$(reboot)', "'"],
    feedback: { [HOSTILE]: HOSTILE, __proto__x: '1' }, timeline: [[1e300, 'X'], ['a', 'b'], 7], maxrss_kb: -1,
  });
  writeFileSync(FILES.hostileExport, JSON.stringify({ format: 'taskwatcher/1', history: [evil, row(2, {}), row(3, { taskname: '', timeline: [], starttime: null })] }));
}

const OLD_TABLES = `
  CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT, info1 TEXT, info2 TEXT, info3 TEXT, pid INTEGER, status TEXT,
    feedback INTEGER, reservetime INTEGER, starttime INTEGER, duration INTEGER, lastupdate INTEGER, timeout INTEGER);
  CREATE TABLE feedbacks (id INTEGER PRIMARY KEY, feedback BLOB, lastupdate INTEGER);
  CREATE TABLE history (id INTEGER PRIMARY KEY, taskid INTEGER, taskname TEXT, info1 TEXT, info2 TEXT, info3 TEXT,
    termsignal TEXT, termerror TEXT, starttime INTEGER, endtime INTEGER, duration INTEGER, feedback BLOB);`;
const ADDED = {
  tasks: 'command TEXT, cwd TEXT, host TEXT, feedfile BLOB, expires INTEGER, options TEXT, ending TEXT, timeline TEXT, identity TEXT',
  feedbacks: 'offset INTEGER, inode INTEGER, fingerprint TEXT',
  history: 'exitcode INTEGER, outcome TEXT, command TEXT, cwd TEXT, host TEXT, elapsed_ms INTEGER, user_ms INTEGER, system_ms INTEGER, maxrss_kb INTEGER, leftovers INTEGER, timeline TEXT',
};
export const NEW_TABLES =
  OLD_TABLES +
  Object.entries(ADDED)
    .flatMap(([table, columns]) => columns.split(', ').map((column) => `ALTER TABLE ${table} ADD COLUMN ${column};`))
    .join('\n') +
  'CREATE TABLE taskids (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE INDEX history_taskid ON history (taskid); PRAGMA user_version = 1;';

function makeDatabases(): void {
  if (existsSync(FILES.large)) return;
  sql(FILES.old, `${OLD_TABLES}
    INSERT INTO history VALUES (1, 5, 'old-job', 'a', NULL, NULL, '0', 'TBD', 1700000000, 1700000060, 60, 'to be implemented'),
      (2, 6, 'old-job', 'b', NULL, NULL, '9', 'TBD', 1700000100, 1700000400, 300, '{"progress":"80"}');
    INSERT INTO tasks (id, name, status, feedback, starttime) VALUES (7, 'old-run', 'RUNNING', 0, 1700000500);`);
  // The rows of id 3 and 4 stand only in the -wal: it is left where it is.
  sql(FILES.database, `.dbconfig no_ckpt_on_close on
    PRAGMA journal_mode = WAL;
    ${NEW_TABLES}
    INSERT INTO history (id, taskid, taskname, outcome, exitcode, starttime, endtime, elapsed_ms, command, timeline, feedback)
      VALUES (1, 1, 'smoke', 'succeeded', 0, 1772434800, 1772434850, 50000, '["smoke"]', '[[1772434800000,"RUNNING"]]', '{"progress":"100"}'),
             (2, 2, 'flash', 'failed', 3, 1772434900, 1772434960, 60000, '["flash","--all"]', '[[1772434900000,"RUNNING"],[1772434930000,"SILENT"]]', NULL);
    PRAGMA wal_checkpoint(TRUNCATE);
    INSERT INTO history (id, taskid, taskname, outcome, exitcode, starttime, endtime, elapsed_ms) VALUES
      (3, 3, 'only-in-wal', 'succeeded', 0, 1772435000, 1772435010, 10000), (4, 4, 'only-in-wal', 'lost', NULL, 1772435100, 1772435110, 10000);
    INSERT INTO tasks (id, name, status, feedback, starttime, timeline) VALUES (5, 'soak', 'STALLED', 1, 1772435000, '[[1772435000000,"RUNNING"],[1772435100000,"STALLED"]]');`);
  sql(FILES.fresh, `${NEW_TABLES} INSERT INTO tasks (id, name, status, reservetime) VALUES (1, 'waits', 'RESERVED', 1772435000);`);
  sql(FILES.foreign, 'CREATE TABLE recipes (id INTEGER, title TEXT); INSERT INTO recipes VALUES (1, \'soup\');');
  sql(FILES.large, `${NEW_TABLES}
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
    INSERT INTO history (id, taskid, taskname, info1, host, outcome, exitcode, starttime, endtime, elapsed_ms, command, timeline)
      SELECT i, i, 'job-' || (i * 7919 % 37), 'build ' || (i / 50), 'bench-' || (i % 9),
        CASE WHEN i % 41 = 0 THEN 'failed' WHEN i % 97 = 0 THEN 'lost' WHEN i % 83 = 0 THEN 'timeout' ELSE 'succeeded' END, CASE WHEN i % 41 = 0 THEN 1 ELSE 0 END,
        1740000000 + i * 60, 1740000000 + i * 60 + i * 31 % 1800, (i * 31 % 1800) * 1000, '["job","--n","' || i || '"]',
        '[[' || ((1740000000 + i * 60) * 1000) || ',"RUNNING"],[' || ((1740000000 + i * 60) * 1000 + 200000) || ',"SILENT"]]' FROM n;`);
}

export function sql(path: string, text: string): void {
  execFileSync('sqlite3', ['-bail', path], { input: text.replace(/^ +/gm, '') });
}
