import type { Progress, SeparationPlan, Stage } from '../contracts.ts';
import { round } from '../round.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import type { StageContext } from './context.ts';
import { readLateRecord, readSeal } from './late-record.ts';

/** Share of the run that is done when a stage begins. */
export const PROGRESS_AT: Record<Stage, number> = {
  download: 0,
  separate: 0.1,
  analyze: 0.1,
  assemble: 0.9,
  upload: 0.92,
  callback: 0.97,
  cleanup: 0.99,
};
/** Share of the run that separation makes up. */
const SEPARATION_SHARE = PROGRESS_AT.assemble - PROGRESS_AT.separate;

/**
 * How far a run is. The orchestration's status, `at`, says so for most of it. While the song is being separated, the staged
 * blocks themselves tell how far it is, so that nothing has to be written only to be looked at; and of the stages that the
 * last part's activity goes on with, the record that it keeps.
 */
export async function currentProgress(
  audioFileId: string,
  at: Progress | null | undefined,
  { container }: StageContext,
): Promise<Progress | undefined> {
  if (at?.stage !== 'separate' || !at.plan) return at ?? undefined;
  const { plan, fan_out, progress } = at;
  // A segment's stems are staged in order: the last one of a pass tells how many segments are complete.
  const staged = await Promise.all(
    plan.passes.map((stems) =>
      new StagedStem(container, audioFileId, stems.at(-1)!, plan.run).stagedSegments(),
    ),
  );
  const done = staged.reduce((sum, { size }) => sum + size, 0);
  const whole = plan.segments * plan.passes.length;
  // Late stages begin when all is staged, and commit it.
  const isLate = fan_out !== undefined && (done === 0 || done === whole);
  const late = isLate && (await lateStage(container, audioFileId, plan, fan_out));
  if (late)
    return { ...at, stage: late, progress: PROGRESS_AT[late], ending: late === 'cleanup' || undefined };
  return { ...at, progress: round(progress + (SEPARATION_SHARE * done) / whole, 3) };
}

async function lateStage(
  container: StageContext['container'],
  audioFileId: string,
  plan: SeparationPlan,
  fan_out: string,
): Promise<Stage | undefined> {
  const record = await readLateRecord(container, audioFileId, plan, fan_out);
  if (record) return record.stage;
  // Cleanup removes the record.
  return (await readSeal(container, audioFileId, fan_out)) && 'cleanup';
}
