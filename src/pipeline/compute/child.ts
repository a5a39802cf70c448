/**
 * The compute child: signal processing in a process of its own, so that the host's event loop stays free and work can
 * be ended by ending the process. It works off one task after the other, and keeps the separator that it has opened, for
 * loading a network takes long. With its parent gone it ends.
 */
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { CHANNELS, SongFile } from '../audio/song.ts';
import { toPcm16 } from '../audio/wav.ts';
import { readConfig } from '../config.ts';
import { asWorkerError, WorkerError } from '../errors.ts';
import { chordsOfStems } from '../mir/stem-chords.ts';
import { openSeparator } from '../separation/open.ts';
import type { Separator } from '../separation/separator.ts';
import { analyseFile } from './analyse-file.ts';
import { watchMemory } from './memory-watch.ts';
import type { ChildMessage, ParentMessage, Task } from './protocol.ts';

/** How often a child that separates says that it is alive, in ms. */
const HEARTBEAT_MS = 1000;

/** Unit of the system's figures of memory. */
const KILOBYTE = 1024;

const config = readConfig();
let separator: Separator | undefined;
let cancellation = new AbortController();

setPriority(constants.priority.PRIORITY_LOW); // The host's answers come first, however many children compute.
watchMemory(config.workerMemoryBytes);
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // A terminal's Ctrl-C reaches the whole group; the parent decides when a child ends.
process.on('message', (message: ParentMessage) => {
  if (message.kind === 'cancel') cancellation.abort(new WorkerError('canceled', 'The work was called off.'));
  else if (message.kind !== 'acknowledged') void work(message);
});

async function work(task: Task): Promise<void> {
  cancellation = new AbortController();
  try {
    await perform(task);
    await send({ kind: 'done', peakBytes: process.resourceUsage().maxRSS * KILOBYTE });
  } catch (error) {
    const { code, message } = asWorkerError(error);
    await send({ kind: 'failed', error: { code, message } });
  }
}

async function perform(task: Task): Promise<void> {
  if (task.kind === 'analyze') {
    await send({ kind: 'analysis', analysis: await analyseFile(task.song) });
    return;
  }
  using song = new SongFile(task.song, task.kind === 'chords' ? 1 : CHANNELS);
  if (task.kind === 'separate') await separate(song, task);
  else await send({ kind: 'chords', chords: chordsOfStems(song, task.analysis) });
}

async function separate(song: SongFile, task: Extract<Task, { kind: 'separate' }>): Promise<void> {
  const { stems } = task.separator;
  const { signal } = cancellation;
  const heartbeat = setInterval(() => send({ kind: 'alive' }), HEARTBEAT_MS);
  try {
    separator ??= await openSeparator(task.separator, config);
    for (const [first, end] of runsOf(task.segments)) {
      for await (const segment of separator.separate(song, { stems, first, end, signal })) {
        for (const stem of stems) {
          const answered = once(process, 'message');
          await send({ kind: 'segment', index: segment.index, stem, samples: toPcm16(segment.stems[stem]) });
          await answered;
          signal.throwIfAborted();
        }
      }
    }
  } finally {
    clearInterval(heartbeat);
  }
}

/** Ascending indices as ranges `[first, end)` without gaps. */
function runsOf(indices: readonly number[]): [first: number, end: number][] {
  const runs: [number, number][] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last?.[1] === index) last[1]++;
    else runs.push([index, index + 1]);
  }
  return runs;
}

function send(message: ChildMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}
