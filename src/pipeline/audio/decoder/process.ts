import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { WorkerError } from '../../errors.ts';
import type { Decoder } from './choose.ts';
import { commandOf, type Task } from './command.ts';
import { MemoryWatch } from './memory-watch.ts';

/** Most characters of a decoder's words that are kept: a file's tags and chapters stand before what is wanted of them. */
const MAX_WORDS = 1_000_000;
/** ffmpeg's exit code after SIGINT and SIGTERM; its output ends early, and in good order. */
const STOPPED = 255;
/** Has the kernel (Linux) end the decoder when this process ends, however that comes: a filter may write for long nothing. */
const ENDS_WITH_PARENT = ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'];

/** How a decoder ended that nobody stopped. */
export interface DecoderEnd {
  readonly words: string;
  readonly succeeded: boolean;
}

export interface DecoderLimits {
  /** Memory that the decoder may take, in bytes. */
  readonly memoryBytes: number;
  /** Ends it at once; its reason is what the run fails with. */
  readonly signal: AbortSignal;
}

export interface DecoderRun {
  readonly samples: Readable;
  readonly stretches: Readable;
  /** Rejects with the signal's reason, `out_of_memory`, `interrupted` or `compute_crashed` where it did not end by itself. */
  readonly ended: Promise<DecoderEnd>;
  kill(): void;
}

/** Starts a decoder. */
export function runDecoder(decoder: Decoder, task: Task, { memoryBytes, signal }: DecoderLimits): DecoderRun {
  signal.throwIfAborted();
  const [program, ...args] = withParent(commandOf(decoder, task));
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  let words = '';
  const [, samples, stderr, stretches] = child.stdio as unknown as Readable[];
  stderr.setEncoding('utf8').on('data', (text: string) => {
    if (words.length < MAX_WORDS) words += text;
  });
  const kill = () => {
    child.kill('SIGKILL');
    // A child counts as ended when nothing waits to be read any more.
    samples.destroy();
    stretches.destroy();
  };
  signal.addEventListener('abort', kill, { once: true });
  const watch = new MemoryWatch(child.pid, memoryBytes, () => child.kill('SIGKILL'));
  const ended = new Promise<DecoderEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killed) => {
      signal.removeEventListener('abort', kill);
      watch.stop();
      if (signal.aborted) reject(signal.reason);
      else if (watch.exceeded !== undefined) reject(tooMuchMemory(watch.exceeded, memoryBytes));
      else if (code === STOPPED || killed) reject(stopped(killed));
      else resolve({ words: words.trim(), succeeded: code === 0 });
    });
  });
  // Whoever reads the samples first may fail before anybody waits for the end.
  ended.catch(() => {});
  return { samples, stretches, ended, kill };
}

function withParent(command: readonly string[]): readonly string[] {
  return process.platform === 'linux' && existsSync(ENDS_WITH_PARENT[0])
    ? [...ENDS_WITH_PARENT, ...command]
    : command;
}

/** What a stopped decoder has put out must not pass for the whole song. */
function stopped(signal: NodeJS.Signals | null): WorkerError {
  return !signal || signal === 'SIGINT' || signal === 'SIGTERM'
    ? new WorkerError('interrupted', 'The decoder was told to stop.')
    : new WorkerError('compute_crashed', `The decoder was ended by ${signal}.`);
}

function tooMuchMemory(bytes: number, limit: number): WorkerError {
  return new WorkerError(
    'out_of_memory',
    `The decoder took ${megabytes(bytes)} MB of memory; DECODER_MEMORY_MB allows ${megabytes(limit)}. Songs need less than 200: the file is probably damaged or made up.`,
  );
}

const megabytes = (bytes: number): number => Math.round(bytes / 1_000_000);
