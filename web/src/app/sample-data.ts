// Sample data of lifelike shape, the same at every call.

const START = Date.UTC(2026, 2, 2, 7, 0) / 1000;
export const SAMPLE_NOW = Date.UTC(2026, 2, 8, 17, 30) / 1000;

/** A small generator of numbers from 0 to 1 (mulberry32): samples must not change between visits. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const CASES = ['Initialization', 'Setting up topology', 'Link training', 'Traffic ramp', 'Fail-over', 'Soak', 'Tear down'];

export function labRun(): string {
  const random = numbers(7);
  const lines = ['# 2026-03-02 07:00:00', '[playbook_path]/srv/lab/playbooks/regression.pb', '[playbook]regression', '[run]17', `[start_time]${START}`];
  let heat = 31;
  for (let test = 1; test <= 40; test++) {
    const name = CASES[test % CASES.length] ?? '';
    lines.push(`[testcase_id]${String(test).padStart(3, '0')}`, `[testcase_name]${name}`, '[testcase_progress]0');
    const load = name === 'Soak' || name === 'Traffic ramp' ? 62 : 38;
    for (let step = 1; step <= 20; step++) {
      heat += (load - heat) * 0.08 + (random() - 0.5) * 1.5;
      lines.push(`[testcase_progress]${step * 5}`, `[temperature]${heat.toFixed(1)}`, `[frames]${Math.round((test * 20 + step) * 1250 * (0.9 + random() / 5))}`);
      if (step % 7 === 0) lines.push('[heartbeat]');
      if (random() < 0.01) lines.push(`retry after ${Math.round(random() * 900)} ms`);
    }
    lines.push(`[progress]${Math.round((test / 40) * 100)}`);
    if (name === 'Fail-over') lines.push('[warning]standby took over late', `[last_trace]{"port":${test},"events":[{"t":0.12,"what":"down"},{"t":1.86,"what":"up"}]}`);
    if (name === 'Tear down') lines.push('[warning]');
  }
  lines.push(`[end_time]${START + 9240}`, '[verdict]passed');
  return `${lines.join('\n')}\n`;
}

const JOBS: [name: string, seconds: number, command: string[], failing: number][] = [
  ['smoke', 240, ['pytest', '-q', 'tests/smoke'], 0.05],
  ['regression', 5400, ['checkitbaby', '--playbook', 'regression', '--feedback={feedback}'], 0.12],
  ['soak-24h', 40_000, ['soak', '--hours', '24'], 0.2],
  ['firmware-flash', 420, ['flash', '--all', 'bench 3'], 0.08],
  ['calibrate', 900, ['calibrate', '--port', '7'], 0.03],
  ['nightly-report', 75, ['sh', '-c', 'make report | tee /tmp/report.txt'], 0.02],
];
/** In the words of the launcher. */
const ENDS: [outcome: string, exitcode: number | null, signal: string | null, error: string][] = [
  ['failed', 1, null, 'exit code 1'],
  ['failed', 3, null, 'exit code 3'],
  ['signalled', null, 'SIGSEGV', 'ended by SIGSEGV'],
  ['timeout', null, 'SIGKILL', 'no heartbeat for 5m'],
  ['killed', null, 'SIGTERM', 'killed by ada'],
  ['lost', null, null, 'its launcher died and nobody saw how it ended; exit status unknown'],
  ['not_started', null, null, 'the command was not found; check its spelling and PATH'],
];

export function labWeek(): string {
  const random = numbers(11);
  const history: Record<string, unknown>[] = [];
  const hosts = ['bench-1', 'bench-2', 'bench-3'];
  // So early that the longest task would be over by now, whichever comes last.
  let at = START - 15 * 3600;
  for (let id = 1; id <= 360; id++) {
    at += 300 + random() * 2420;
    const [name, typical, command, failing] = JOBS[Math.floor(random() * random() * JOBS.length)] ?? JOBS[0]!;
    const bad = random() < failing;
    const [outcome, exitcode, termsignal, termerror] = bad ? (ENDS[Math.floor(random() * ENDS.length)] ?? ENDS[0]!) : (['succeeded', 0, null, null] as const);
    const seconds = outcome === 'not_started' ? 0.02 : typical * (bad ? random() : 0.7 + random() * 0.6);
    const start = Math.round(at);
    const timeline: [number, string][] = [[start * 1000, 'RUNNING']];
    if (outcome === 'timeout' || random() < 0.15) {
      const quiet = start + seconds * 0.6;
      timeline.push([Math.round(quiet * 1000), 'SILENT'], [Math.round((quiet + seconds * 0.12) * 1000), 'STALLED']);
      if (outcome !== 'timeout') timeline.push([Math.round((quiet + seconds * 0.2) * 1000), 'RUNNING']);
    }
    history.push({
      id,
      taskid: id,
      taskname: name,
      info1: hosts[id % 3],
      info2: random() < 0.4 ? `build ${1200 + (id >> 3)}` : null,
      termsignal,
      termerror,
      starttime: start,
      endtime: Math.round(start + seconds),
      duration: Math.round(seconds),
      exitcode,
      outcome,
      command,
      cwd: '/srv/lab',
      host: hosts[id % 3],
      elapsed_ms: Math.round(seconds * 1000),
      user_ms: Math.round(seconds * 430),
      system_ms: Math.round(seconds * 61),
      maxrss_kb: Math.round(20_000 + random() * 400_000),
      leftovers: random() < 0.03 ? 2 : 0,
      timeline,
      feedback: name === 'regression' ? { progress: bad ? String(Math.round(random() * 90)) : '100', verdict: bad ? 'aborted' : 'passed', report: '{"cases":[{"id":"001","result":"pass","ms":5312},{"id":"002","result":"pass","ms":90211}],"counter":9007199254740993}' } : null,
    });
  }
  const now = SAMPLE_NOW;
  const tasks = [
    { taskid: 361, name: 'soak-24h', info1: 'bench-2', pid: 40_112, status: 'RUNNING', feedback: true, reservetime: now - 21_640, starttime: now - 21_600, duration: 21_600, lastupdate: now - 4, timeout: 300, command: ['soak', '--hours', '24'], cwd: '/srv/lab', host: 'bench-2', timeline: [[(now - 21_600) * 1000, 'RUNNING']] },
    { taskid: 362, name: 'regression', info1: 'bench-1', pid: 40_377, status: 'STALLED', feedback: true, reservetime: now - 3000, starttime: now - 2990, duration: 2990, lastupdate: now - 190, timeout: 300, command: ['checkitbaby', '--playbook', 'regression'], cwd: '/srv/lab', host: 'bench-1', timeline: [[(now - 2990) * 1000, 'RUNNING'], [(now - 115) * 1000, 'SILENT'], [(now - 40) * 1000, 'STALLED']] },
    { taskid: 363, name: 'calibrate', info1: 'bench-3', status: 'RESERVED', feedback: false, reservetime: now - 20 },
  ];
  const feedbacks = [
    { id: 361, feedback: { progress: '25', cycle: '118' }, lastupdate: now - 4 },
    { id: 362, feedback: { progress: '61', testcase_name: 'Fail-over', testcase_progress: '40' }, lastupdate: now - 190 },
  ];
  return JSON.stringify({ format: 'taskwatcher/1', tasks, history, feedbacks });
}

export function finalReport(): string {
  const cases = CASES.map((name, n) => ({ id: String(n + 1).padStart(3, '0'), name, result: name === 'Fail-over' ? 'fail' : 'pass', ms: 5312 * (n + 3) }));
  const report = { cases, counters: { frames: 9_007_199_254_740_992, drops: 0 }, notes: 'standby took over late' };
  const steps = CASES.flatMap((name, n) => [`[testcase_name]${name}`, ...[25, 50, 75, 100].map((part) => `[testcase_progress]${part}`), `[progress]${Math.round(((n + 1) / CASES.length) * 100)}`]);
  // JSON.stringify cannot write a number that a double cannot hold.
  const text = JSON.stringify(report).replace('9007199254740992', '9007199254740993');
  return `${['# 2026-03-02 07:00:00', '[playbook]smoke', ...steps, '# only what follows is the report', '[]', '[verdict]failed', `[cases]${cases.length}`, '[failed]1', `[report]${text}`].join('\n')}\n`;
}
