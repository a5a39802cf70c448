import type { Progress } from '../contracts.ts';
import { round } from '../round.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import type { StageContext } from './context.ts';

/** Share of the run that separation makes up. */
const SEPARATION_SHARE = 0.8;

/**
 * Share of a run that is done, 0..1. While the song is being separated, the staged blocks themselves tell how far it
 * is, so that nothing has to be written only to be looked at.
 */
export async function runProgress(
  audioFileId: string,
  at: Progress | undefined,
  { container }: StageContext,
): Promise<number> {
  if (!at) return 0;
  const { stage, plan, progress } = at;
  if (stage !== 'separate' || !plan) return progress;
  // A segment's stems are staged in order: the last one of a pass tells how many segments are complete.
  const staged = await Promise.all(
    plan.passes.map((stems) =>
      new StagedStem(container, audioFileId, stems.at(-1)!, plan.run).stagedSegments(),
    ),
  );
  const done = staged.reduce((sum, { size }) => sum + size, 0);
  return round(progress + (SEPARATION_SHARE * done) / (plan.segments * plan.passes.length), 3);
}
