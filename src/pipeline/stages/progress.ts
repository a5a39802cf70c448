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
  const last = new StagedStem(container, audioFileId, plan.stems[plan.stems.length - 1], plan.run);
  const staged = await last.stagedSegments();
  return round(progress + SEPARATION_SHARE * (staged.size / plan.segments), 3);
}
