import { localSong } from '../audio/local-song.ts';
import { runInChild } from '../compute/run.ts';
import type { SeparationPlan, SourceInfo } from '../contracts.ts';
import { type ErrorCode, WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { noteTry } from '../models/faults.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import type { StageContext } from './context.ts';

/** Errors that lie in the model and not in the song. */
const MODEL_FAULTS: ReadonlySet<ErrorCode> = new Set(['model_unavailable', 'model_output_invalid']);

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
  { container, config, signal, log }: StageContext,
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
  const made = end - first - segments.length;
  log?.(
    `'${source.audio_file_id}', ${stems.join(', ')}: ${segments.length} of the segments ${first} to ${end - 1} are to be separated, ${made} were.`,
  );
  if (segments.length === 0) return;

  const song = await localSong(container, source, config);
  const separator = { model, stems, precision, overlap, weights };
  const task = { kind: 'separate', song: song.path, separator, segments } as const;
  try {
    for await (const message of runInChild(task, signal)) {
      if (message.kind !== 'segment')
        throw new WorkerError('internal', `A ${message.kind} came from a separation.`);
      await blobs.get(message.stem)!.stage(message.index, message.samples);
      faultPoint('separate', 'middle');
    }
    noteTry(model, undefined);
  } catch (error) {
    if (error instanceof WorkerError && MODEL_FAULTS.has(error.code)) noteTry(model, error.message);
    throw error;
  }
}
