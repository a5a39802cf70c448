import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { wrongSetting } from '../config.ts';
import { WorkerError } from '../errors.ts';

const require = createRequire(import.meta.url);

/** Most characters of ffmpeg's words that are kept: a file's tags and chapters stand before what is wanted of them. */
const MOST_WORDS = 1_000_000;
/** ffmpeg's exit code after SIGINT and SIGTERM; its output ends early, and in good order. */
const STOPPED = 255;

/** How an ffmpeg ended that nobody stopped. */
export interface FfmpegEnd {
  readonly words: string;
  readonly succeeded: boolean;
}

export interface FfmpegRun {
  readonly stdout: Readable;
  /** Rejects with `timed_out`, `interrupted` or `compute_crashed` where it did not come to its own end. */
  readonly ended: Promise<FfmpegEnd>;
  kill(): void;
}

/** Starts ffmpeg, which is killed after `timeoutMs`. */
export function runFfmpeg(args: readonly string[], timeoutMs: number): FfmpegRun {
  const child = spawn(ffmpegPath(), ['-nostdin', '-hide_banner', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (words.length < MOST_WORDS) words += text;
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const ended = new Promise<FfmpegEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (timedOut) reject(decodeTimedOut(timeoutMs));
      else if (code === STOPPED || signal) reject(stopped(signal));
      else resolve({ words: words.trim(), succeeded: code === 0 });
    });
  });
  return { stdout: child.stdout, ended, kill: () => child.kill('SIGKILL') };
}

/** What a stopped ffmpeg has put out must not pass for the whole song. */
function stopped(signal: NodeJS.Signals | null): WorkerError {
  return !signal || signal === 'SIGINT' || signal === 'SIGTERM'
    ? new WorkerError('interrupted', 'The decoder was told to stop.')
    : new WorkerError('compute_crashed', `The decoder was ended by ${signal}.`);
}

function decodeTimedOut(timeoutMs: number): WorkerError {
  return new WorkerError(
    'timed_out',
    `Decoding took longer than ${timeoutMs / 1000} s, the limit that DECODE_TIMEOUT_SECONDS sets.`,
  );
}

/**
 * The ffmpeg to decode with: `FFMPEG_PATH`, the `ffmpeg-static` package, the `PATH`, the `@ffmpeg-installer` package.
 *
 * @throws WorkerError `misconfigured` where `FFMPEG_PATH` names no file, `internal` where none of them is there.
 */
export function ffmpegPath(env: NodeJS.ProcessEnv = process.env): string {
  const candidates = [
    () => env.FFMPEG_PATH,
    () => require('ffmpeg-static') as string | null,
    () => onPath(env.PATH ?? ''),
    () => (require('@ffmpeg-installer/ffmpeg') as { path: string }).path,
  ];
  if (env.FFMPEG_PATH && !existsSync(env.FFMPEG_PATH)) {
    throw new WorkerError(
      'misconfigured',
      wrongSetting('FFMPEG_PATH', env.FFMPEG_PATH, 'there is no such file'),
    );
  }
  for (const candidate of candidates) {
    const path = attempt(candidate);
    if (path && existsSync(path)) return path;
  }
  throw new WorkerError('internal', 'No ffmpeg was found. Install one, or set FFMPEG_PATH to its path.');
}

function onPath(path: string): string | undefined {
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** An optional package that is not installed is no candidate. */
function attempt(candidate: () => string | null | undefined): string | null | undefined {
  try {
    return candidate();
  } catch {
    return undefined;
  }
}
