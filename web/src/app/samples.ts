// Files to try the viewer with. They are made or embedded here: nothing is fetched.
import malformed from '../../../tests/samples/malformed.log?raw';
import { finalReport, labRun, labWeek, SAMPLE_NOW } from './sample-data';

export interface Sample {
  name: string;
  file: string;
  title: string;
  about: string;
  written: number;
  text(): string;
}

const WRITTEN = SAMPLE_NOW * 1000;

export const SAMPLES: readonly Sample[] = [
  {
    name: 'run',
    file: 'lab-run.log',
    title: 'A test run',
    about: 'A playbook of 40 test cases with progress, temperatures and warnings: for the scrubber and the charts.',
    written: WRITTEN,
    text: labRun,
  },
  {
    name: 'report',
    file: 'report.log',
    title: 'A final report',
    about: 'A task that clears everything at its end and leaves a report, with JSON inside a value.',
    written: WRITTEN,
    text: finalReport,
  },
  {
    name: 'malformed',
    file: 'malformed.log',
    title: 'A broken log',
    about: 'Every way a line can be wrong, and what the viewer says about it.',
    written: WRITTEN,
    text: () => malformed,
  },
  {
    name: 'week',
    file: 'lab-week.json',
    title: 'A week of history',
    about: 'An export with some hundred finished tasks and a few that still run: summary, table, timeline.',
    written: WRITTEN,
    text: labWeek,
  },
];
