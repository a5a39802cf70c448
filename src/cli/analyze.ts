/** `npm run analyze`: songs on this disk in; stems, annotation and a summary out. */
import { join, relative } from 'node:path';
import { applySettings } from '../local/environment.ts';
import { readConfig } from '../pipeline/config.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { requireKnown } from '../pipeline/separation/registry.ts';
import { type Arguments, parseArguments, USAGE } from './arguments.ts';
import { localHost, ROOT } from './local-host.ts';
import { obtainModel } from './obtain-model.ts';
import { ProgressBar } from './progress-bar.ts';
import { folderNames, runSong, type SongOutcome } from './song-run.ts';
import { summarize } from './summary.ts';
import { useWorker, type Worker } from './worker.ts';

const WRONG_ARGUMENTS = 2;
/** Exit code after Ctrl-C, as shells have it. */
const INTERRUPTED = 130;
/** The song that is analysed when none is named. */
const DEMO_SONG = join(ROOT, 'demo', 'demo-song.ogg');

async function main(): Promise<number> {
  let given: Arguments;
  try {
    given = parseArguments(process.argv.slice(2), DEMO_SONG);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return WRONG_ARGUMENTS;
  }
  if (given.help) {
    console.log(USAGE);
    return 0;
  }
  process.once('SIGINT', () => {
    console.error('Interrupted. What is under way goes on when a worker runs again.');
    process.exit(INTERRUPTED);
  });
  try {
    applySettings(localHost());
    const config = readConfig();
    const model = given.model ?? config.model;
    requireKnown(model, given.stems, config);
    await obtainModel(model, given.stems, config);
    await using worker = await useWorker();
    return await analyzeAll(worker, given);
  } catch (error) {
    console.error(messageOf(error));
    return error instanceof WorkerError && error.code === 'invalid_request' ? WRONG_ARGUMENTS : 1;
  }
}

/** Analyses every file; one that fails doesn't stop the others. Returns the exit code. */
async function analyzeAll(worker: Worker, given: Arguments): Promise<number> {
  const names = folderNames(given.files);
  const outcomes: SongOutcome[] = [];
  const failures: { file: string; error: string }[] = [];
  for (const [i, file] of given.files.entries()) {
    try {
      const outcome = await analyzeOne(worker, file, names[i], given);
      outcomes.push(outcome);
      if (!given.json) console.log(given.files.length === 1 ? summarize(outcome) : lineOf(outcome));
    } catch (error) {
      failures.push({ file, error: messageOf(error) });
      console.error(`${file}: ${messageOf(error)}`);
    }
  }
  if (given.json) console.log(JSON.stringify(jsonOf(outcomes, failures, given), null, 2));
  else if (given.files.length > 1) {
    console.log(`${outcomes.length} of ${given.files.length} songs analysed; results in ${given.out}/.`);
  }
  return failures.length > 0 ? 1 : 0;
}

async function analyzeOne(
  worker: Worker,
  file: string,
  name: string,
  given: Arguments,
): Promise<SongOutcome> {
  using bar = new ProgressBar(name);
  return await runSong(worker, file, {
    out: given.out,
    name,
    model: given.model,
    stems: given.stems,
    onStatus: (status) => bar.update(status),
  });
}

function lineOf({ file, folder, result: { analysis, processing_time_seconds } }: SongOutcome): string {
  const bpm = analysis.bpm === null ? 'no tempo' : `${analysis.bpm.toFixed(1)} BPM`;
  const count = analysis.sections.length;
  const sections = count === 1 ? '1 section' : `${count} sections`;
  return `${file}: ${bpm}, ${analysis.key ?? 'no key'}, ${sections} (${processing_time_seconds.toFixed(1)} s) -> ${relative(process.cwd(), folder)}`;
}

/** One song gives its result, several give a list. */
function jsonOf(
  outcomes: readonly SongOutcome[],
  failures: readonly { file: string; error: string }[],
  given: Arguments,
): unknown {
  const songs = [...outcomes.map(({ file, folder, result }) => ({ file, folder, ...result })), ...failures];
  return given.files.length === 1 ? songs[0] : songs;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.exit(await main());
