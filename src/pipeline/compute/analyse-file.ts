import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SAMPLE_RATE, SongFile } from '../audio/song.ts';
import { interpret } from '../mir/analyse.ts';
import type { Analysis } from '../mir/analysis.ts';
import { type PitchFeatures, soundFeatures } from '../mir/features/features.ts';

const PITCH_THREAD = new URL(`./pitch-thread${extname(import.meta.url)}`, import.meta.url);

/** What `analyse` finds in the decoded song at `path`, sooner: two threads hear its two halves at the same time. */
export async function analyseFile(path: string): Promise<Analysis> {
  using song = new SongFile(path);
  const heard = once(new Worker(PITCH_THREAD, { workerData: path }), 'message');
  const sounds = soundFeatures(song);
  const [pitches] = (await heard) as [PitchFeatures];
  return interpret(song.frames / SAMPLE_RATE, { ...sounds, ...pitches });
}
