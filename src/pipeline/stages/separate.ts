import { localSong } from '../audio/local-song.ts';
import { runInChild } from '../compute/run.ts';
import type { SeparationPlan, SourceInfo } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import type { StageContext } from './context.ts';

/** A range of the song in one pass. */
export interface PartRange {
  /** Which of the plan's passes. */
  readonly pass: number;
  /** First segment (inclusive). */
  readonly first: number;
  /** Segment to stop before (exclusive). */
  readonly end: number;
}

export interface SeparationPart extends PartRange {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
}

/** The parts that a plan is worked off in, as even as may be. */
export function separationParts({
  passes,
  segments,
  part_segments,
}: Pick<SeparationPlan, 'passes' | 'segments' | 'part_segments'>): PartRange[] {
  const count = Math.ceil(segments / part_segments);
  const border = (part: number) => Math.round((part * segments) / count);
  return passes.flatMap((_, pass) =>
    Array.from({ length: count }, (_, part) => ({ pass, first: border(part), end: border(part + 1) })),
  );
}

/** Separates one part, staging each segment of each stem as it comes. What an earlier try staged is not made again. */
export async function separate(
  { source, plan, pass, first, end }: SeparationPart,
  { container, config, signal }: StageContext,
): Promise<void> {
  const { model, precision, overlap, weights } = plan;
  const stems = plan.passes[pass];
  const blobs = new Map(
    stems.map((stem) => [stem, new StagedStem(container, source.audio_file_id, stem, plan.run)]),
  );
  const staged = await Promise.all([...blobs.values()].map((blob) => blob.stagedSegments()));
  const segments = Array.from({ length: end - first }, (_, i) => first + i).filter(
    (index) => !staged.every((done) => done.has(index)),
  );
  if (segments.length === 0) return;

  const song = await localSong(container, source, config);
  const separator = { model, stems, precision, overlap, weights };
  for await (const message of runInChild(
    { kind: 'separate', song: song.path, separator, segments },
    signal,
  )) {
    if (message.kind !== 'segment')
      throw new WorkerError('internal', `A ${message.kind} came from a separation.`);
    await blobs.get(message.stem)!.stage(message.index, message.samples);
  }
}
