/**
 * The compute child: signal processing in a process of its own, so that the host's event loop stays free and work can
 * be ended by ending the process. It takes one task, sends what comes of it, and exits; with its parent gone it ends.
 */
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { SongFile } from '../audio/song.ts';
import { toPcm16 } from '../audio/wav.ts';
import { asWorkerError } from '../errors.ts';
import { analyse } from '../mir/analyse.ts';
import { createSeparator } from '../separation/registry.ts';
import type { ChildMessage, Task } from './protocol.ts';

setPriority(constants.priority.PRIORITY_LOW); // The host's answers come first, however many children compute.
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // A terminal's Ctrl-C reaches the whole group; the parent decides when a child ends.

const [task] = (await once(process, 'message')) as [Task];
try {
  using song = new SongFile(task.song);
  if (task.kind === 'analyze') await send({ kind: 'analysis', analysis: analyse(song) });
  else await separate(song, task);
  await send({ kind: 'done' });
} catch (error) {
  const { code, message } = asWorkerError(error);
  await send({ kind: 'failed', error: { code, message } });
}
process.disconnect();

async function separate(song: SongFile, task: Extract<Task, { kind: 'separate' }>): Promise<void> {
  const separator = createSeparator(task.model);
  try {
    for (const [first, end] of runsOf(task.segments)) {
      for await (const segment of separator.separate(song, { stems: separator.stems, first, end })) {
        for (const [stem, name] of separator.stems.entries()) {
          const block = segment.stems[name];
          const acknowledged = once(process, 'message');
          await send({ kind: 'segment', index: segment.index, stem, samples: toPcm16(block) });
          await acknowledged;
        }
      }
    }
  } finally {
    await separator.close();
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
