import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { wrongSetting } from '../../config.ts';
import { WorkerError } from '../../errors.ts';
import { ffmpegPaths } from '../ffmpeg.ts';
import { compareVersions, versionIn } from './version.ts';

/** What songs are decoded with. */
export interface Decoder {
  /** `ffmpeg`: the program at `path`; `libav`: this worker's own around ffmpeg's libraries from the `node-av` package. */
  readonly kind: 'ffmpeg' | 'libav';
  readonly path: string;
  /** Version of ffmpeg. */
  readonly version: string;
}

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const NOT_FFMPEG = "asked for its '-version', that program does not say 'ffmpeg version'";
/** Time that a program has to tell its version, in ms. */
const PATIENCE_MS = 20_000;
/** What others end a program with; it ends itself by other signals, where it does not fit this machine. */
const ENDED_BY_OTHERS: readonly unknown[] = ['SIGKILL', 'SIGTERM', 'SIGINT'];
export const LIBAV_PROGRAM = fileURLToPath(new URL(`./libav${extname(import.meta.url)}`, import.meta.url));

let chosen: { key: string; decoder: Promise<Decoder> } | undefined;

/**
 * The decoder of this machine: the ffmpeg that `FFMPEG_PATH` names, else the newest of those that are there. It is looked
 * for once.
 *
 * @throws WorkerError `internal` where there is none, `misconfigured` where `FFMPEG_PATH` names another program,
 * `compute_crashed` where one was ended that was about to tell its version.
 */
export function chooseDecoder(env: NodeJS.ProcessEnv = process.env): Promise<Decoder> {
  const key = JSON.stringify([env.FFMPEG_PATH, env.PATH]);
  if (chosen?.key !== key) {
    const decoder = newest(env);
    chosen = { key, decoder };
    // What failed is looked for again.
    decoder.catch(() => {
      if (chosen?.decoder === decoder) chosen = undefined;
    });
  }
  return chosen.decoder;
}

async function newest(env: NodeJS.ProcessEnv): Promise<Decoder> {
  const programs = ffmpegPaths(env).map(ffmpeg);
  const found = (await Promise.all(env.FFMPEG_PATH ? programs : [libav(), ...programs])).filter(
    (decoder) => decoder !== undefined,
  );
  // Sorting is stable: of equals the first stays first.
  const [best] = found.sort((a, b) => compareVersions(b.version, a.version));
  if (best) return best;
  if (env.FFMPEG_PATH)
    throw new WorkerError('misconfigured', wrongSetting('FFMPEG_PATH', env.FFMPEG_PATH, NOT_FFMPEG));
  throw new WorkerError('internal', 'No ffmpeg was found. Install one, or set FFMPEG_PATH to its path.');
}

async function ffmpeg(path: string): Promise<Decoder | undefined> {
  const version = versionIn((await wordsOf(path, ['-version'])) ?? '');
  return version ? { kind: 'ffmpeg', path, version } : undefined;
}

/** Its libraries are there for some platforms only. Asking takes a process, so that they are never loaded into this one. */
async function libav(): Promise<Decoder | undefined> {
  try {
    require.resolve('node-av/lib');
  } catch {
    return undefined;
  }
  const version = versionIn((await wordsOf(process.execPath, [LIBAV_PROGRAM, 'version'])) ?? '');
  return version ? { kind: 'libav', path: LIBAV_PROGRAM, version } : undefined;
}

/**
 * What a program says; undefined where it can't be run. One that was ended is not passed over: songs would be decoded with
 * another from then on, which may give other samples.
 */
async function wordsOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(program, args, { timeout: PATIENCE_MS })).stdout;
  } catch (error) {
    const { signal, killed } = error as { signal?: NodeJS.Signals; killed?: boolean };
    // Its time was up.
    if (killed || !ENDED_BY_OTHERS.includes(signal)) return undefined;
    throw new WorkerError(
      'compute_crashed',
      `'${program}' was ended by ${signal} before it told its version.`,
    );
  }
}
