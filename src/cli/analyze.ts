/** `npm run analyze`: songs on this disk in; stems, annotation and a summary out. */
import { join, relative } from 'node:path';
import { applySettings } from '../local/environment.ts';
import { chooseDecoder } from '../pipeline/audio/decoder/choose.ts';
import { readConfig } from '../pipeline/config.ts';
import { requireKnown } from '../pipeline/separation/registry.ts';
import { told } from '../text/told.ts';
import { type Arguments, parseArguments, USAGE } from './arguments.ts';
import { exitCodeOf, FAILED, INTERRUPTED, messageOf, WRONG_CALL } from './exit-code.ts';
import { folderNames } from './folder-names.ts';
import { localHost, ROOT } from './local-host.ts';
import { obtainModel } from './obtain-model.ts';
import { ProgressBar } from './progress-bar.ts';
import { localResult } from './result-folder.ts';
import { distinctFiles, fileProblems, folderProblems } from './song-files.ts';
import { runSong, type SongOutcome } from './song-run.ts';
import { summarize } from './summary.ts';
import { useWorker, type Worker } from './worker.ts';

/** The song that is analysed when none is named. */
const DEMO_SONG = join(ROOT, 'demo', 'demo-song.ogg');

async function main(): Promise<number> {
  let given: Arguments;
  try {
    given = parseArguments(process.argv.slice(2), DEMO_SONG);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return WRONG_CALL;
  }
  if (given.help) {
    console.log(USAGE);
    return 0;
  }
  const songs = songsOf(given);
  const problems = [
    ...(await fileProblems(songs.map(({ file }) => file))),
    ...(await folderProblems(
      given.out,
      songs.map(({ name }) => name),
    )),
  ];
  if (problems.length > 0) {
    console.error(problems.map(told).join('\n'));
    return WRONG_CALL;
  }
  process.once('SIGINT', () => {
    console.error('Interrupted. What is under way goes on when a worker runs again.');
    process.exit(INTERRUPTED);
  });
  try {
    applySettings(localHost());
    const config = readConfig();
    requireKnown(given.model, given.stems, config);
    await chooseDecoder(); // Nothing is fetched or started for a song that can't be decoded.
    await obtainModel(given.model ?? config.model, given.stems, config);
    await using worker = await useWorker();
    return await analyzeAll(worker, songs, given);
  } catch (error) {
    console.error(messageOf(error));
    return exitCodeOf(error);
  }
}

interface Song {
  readonly file: string;
  /** Of its folder below `--out`. */
  readonly name: string;
}

function songsOf(given: Arguments): Song[] {
  const files = distinctFiles(given.files);
  const names = folderNames(files);
  return files.map((file, i) => ({ file, name: names[i] }));
}

/** Analyses every song; one that fails doesn't stop the others. Returns the exit code. */
async function analyzeAll(worker: Worker, songs: readonly Song[], given: Arguments): Promise<number> {
  const outcomes: SongOutcome[] = [];
  const failures: { file: string; error: string }[] = [];
  for (const { file, name } of songs) {
    try {
      const outcome = await analyzeOne(worker, file, name, given);
      outcomes.push(outcome);
      if (!given.json) console.log(songs.length === 1 ? summarize(outcome) : told(lineOf(outcome)));
    } catch (error) {
      failures.push({ file, error: messageOf(error) });
      console.error(told(`${file}: ${messageOf(error)}`));
    }
  }
  if (given.json) console.log(JSON.stringify(jsonOf(outcomes, failures), null, 2));
  else if (songs.length > 1) {
    console.log(`${outcomes.length} of ${songs.length} songs analysed; results in ${given.out}/.`);
  }
  return failures.length > 0 ? FAILED : 0;
}

async function analyzeOne(
  worker: Worker,
  file: string,
  name: string,
  given: Arguments,
): Promise<SongOutcome> {
  using bar = new ProgressBar(told(name));
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

/** One song gives its result, several give a list; files are named by whole paths. */
function jsonOf(
  outcomes: readonly SongOutcome[],
  failures: readonly { file: string; error: string }[],
): unknown {
  const done = outcomes.map(({ file, folder, result }) => ({
    file,
    folder,
    ...localResult(result, file, (path) => join(folder, path)),
  }));
  const songs = [...done, ...failures];
  return songs.length === 1 ? songs[0] : songs;
}

process.exit(await main());
