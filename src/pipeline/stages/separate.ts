import { localSong } from '../audio/local-song.ts';
import { runInChild } from '../compute/run.ts';
import type { SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import type { StageContext } from './context.ts';

export interface SeparationPart {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
  /** First segment (inclusive). */
  readonly first: number;
  /** Segment to stop before (exclusive). */
  readonly end: number;
}

/** The parts that a plan is worked off in. */
export function separationParts({
  segments,
  part_segments,
}: SeparationPlan): { first: number; end: number }[] {
  const count = Math.ceil(segments / part_segments);
  return Array.from({ length: count }, (_, part) => ({
    first: part * part_segments,
    end: Math.min(segments, (part + 1) * part_segments),
  }));
}

/** Separates one part, staging each segment of each stem as it comes. What an earlier try staged is not made again. */
export async function separate(
  part: SeparationPart,
  { container, config, signal }: StageContext,
): Promise<void> {
  const { source, plan } = part;
  const stems = plan.stems.map((stem) => new StagedStem(container, source.audio_file_id, stem, plan.run));
  const staged = await Promise.all(stems.map((stem) => stem.stagedSegments()));
  const segments = [];
  for (let index = part.first; index < part.end; index++) {
    if (!staged.every((done) => done.has(index))) segments.push(index);
  }
  if (segments.length === 0) return;

  const song = await localSong(container, source, config);
  const task = { kind: 'separate', song: song.path, model: plan.model, segments } as const;
  for await (const message of runInChild(task, signal)) {
    if (message.kind !== 'segment')
      throw new WorkerError('internal', `A ${message.kind} came from a separation.`);
    await stems[message.stem].stage(message.index, message.samples);
  }
}
