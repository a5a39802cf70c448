import { localSong } from '../audio/local-song.ts';
import { runInChild } from '../compute/run.ts';
import type { SeparationPlan, SourceInfo } from '../contracts.ts';
import { type ErrorCode, WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import { noteTry } from '../models/faults.ts';
import { MonoCopy } from '../storage/mono-copy.ts';
import type { StagedBlob } from '../storage/staged-blob.ts';
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

/**
 * Separates one part, staging each segment of each stem as it comes, and its copy where the stem carries chords. What an
 * earlier try staged is not made again, on whatever machine that was; a segment that some of the stems lack is made anew
 * for all of them.
 */
export async function separate(
  { source, plan, pass, first, end }: SeparationPart,
  { container, config, signal, log }: StageContext,
): Promise<void> {
  const { model, precision, overlap, weights } = plan;
  const stems = plan.passes[pass];
  const blobs = new Map<string, StagedBlob[]>(
    stems.map((stem) => {
      const kinds = plan.chord_stems.includes(stem) ? [StagedStem, MonoCopy] : [StagedStem];
      return [stem, kinds.map((Kind) => new Kind(container, source.audio_file_id, stem, plan.run))];
    }),
  );
  const staged = await Promise.all([...blobs.values()].flat().map((blob) => blob.stagedSegments()));
  const segments = Array.from({ length: end - first }, (_, i) => first + i).filter(
    (index) => !staged.every((done) => done.has(index)),
  );
  const made = end - first - segments.length;
  log?.(
    `'${source.audio_file_id}', ${stems.join(', ')}: ${segments.length} of the segments ${first} to ${end - 1} are to be separated, ${made} were.`,
  );
  if (segments.length === 0) return;

  await using song = await localSong(container, source, config, signal);
  if (song.frames !== source.frames)
    throw new WorkerError(
      'decoders_differ',
      `ffmpeg makes ${song.frames} frames of '${source.blob_name}' here and made ${source.frames} where the run began. Give all instances the same ffmpeg.`,
    );
  const separator = { model, stems, precision, overlap, weights };
  const task = { kind: 'separate', song: song.path, separator, segments } as const;
  try {
    for await (const message of runInChild(task, signal)) {
      if (message.kind !== 'segment')
        throw new WorkerError('internal', `A ${message.kind} came from a separation.`);
      const { index, stem, samples } = message;
      await Promise.all(blobs.get(stem)!.map((blob) => blob.stage(index, samples)));
      faultPoint('separate', 'middle');
    }
    noteTry(config.modelsDir, model, undefined);
  } catch (error) {
    if (error instanceof WorkerError && MODEL_FAULTS.has(error.code))
      noteTry(config.modelsDir, model, error.message);
    throw error;
  }
}
