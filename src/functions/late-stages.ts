/**
 * The late stages of a song in the slot of its last part. Durable's queue of activities is first in, first out: queued by
 * themselves, assembly, upload, callback and cleanup would wait behind every part of every song that waits, and the first
 * of many results would come when nearly all songs are separated. So the activity that completes the fan-out goes on with
 * them, and hands their outcomes to the orchestrator, which takes them in place of activities of its own.
 *
 * Nothing depends on it: where the activity ends in between, or has no time left, the orchestrator runs what is missing.
 */
import type { SeparationPlan, SourceInfo } from '../pipeline/contracts.ts';
import { round } from '../pipeline/round.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import {
  claimLateStages,
  completedFanOut,
  type LateRecord,
  noteAnalyzed,
  noteLateStage,
  readLateRecord,
  readSeal,
  sealLateStages,
} from '../pipeline/stages/late-record.ts';
import {
  type Continuation,
  LATE_STAGES,
  type LateOutcomes,
  type LateStage,
  type StageCall,
  type StageOutcome,
} from './names.ts';

/** Share of the time for one attempt after which an activity goes on with nothing more. */
const LATEST_BEGIN = 0.5;

export interface SongCall {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
}

/** Performs one attempt at a stage within so many ms; a failure is part of the outcome. */
type Perform = (
  stage: 'analyze' | 'separate' | LateStage,
  call: StageCall,
  limitMs: number,
) => Promise<StageOutcome>;

/**
 * Performs a stage of a fan-out, and the late stages where that completes it.
 *
 * @throws what `perform` throws: the activity was interrupted, and will be run again.
 */
export async function performAndContinue(
  stage: 'analyze' | 'separate',
  call: StageCall<SongCall> & { readonly continuation: Continuation },
  { container, config, log }: Pick<StageContext, 'container' | 'config' | 'log'>,
  perform: Perform,
): Promise<StageOutcome> {
  const { input: song, continuation, audio_file_id: id } = call;
  const limitMs = config.stageTimeoutMs;
  const start = performance.now();
  const elapsedMs = () => performance.now() - start;

  // An activity may run again that has already gone on: its blocks are committed by then, or even its traces removed.
  const sealed = await readSeal<LateOutcomes>(container, id, continuation.fan_out);
  if (sealed) {
    const seconds = sealed.stage_seconds[stage] ?? 0;
    return { seconds, late: await finish(sealed, call, perform, limitMs) };
  }
  const claimed = await readLateRecord(container, id, song.plan, continuation.fan_out);
  if (claimed) return { seconds: claimed.analyze_seconds };

  const outcome = await perform(stage, call, limitMs);
  if (outcome.error) return outcome;
  try {
    if (stage === 'analyze') await noteAnalyzed(container, song, continuation.fan_out, outcome.seconds);
    if (elapsedMs() > limitMs * LATEST_BEGIN) return outcome;
    const analyze_seconds = await completedFanOut(container, song, continuation.fan_out);
    if (analyze_seconds === undefined) return outcome;
    const record: LateRecord = { fan_out: continuation.fan_out, stage: 'assemble', analyze_seconds };
    if (!(await claimLateStages(container, song, record))) return outcome;
    const late = await runLateStages(call, record, container, perform, () => limitMs - elapsedMs());
    return { ...outcome, late };
  } catch (error) {
    if ((error as { code?: string }).code === 'interrupted') throw error;
    // The stage itself is done, and the orchestrator goes on.
    log?.(`'${id}' goes on by the queue: ${(error as Error).message}`);
    return outcome;
  }
}

async function runLateStages(
  call: StageCall<SongCall> & { readonly continuation: Continuation },
  record: LateRecord,
  container: StageContext['container'],
  perform: Perform,
  leftMs: () => number,
): Promise<LateOutcomes> {
  const { input: song, continuation, audio_file_id } = call;
  const { source, plan } = song;
  const secondsSince = (time: number) => Math.max(0, round((Date.now() - time) / 1000, 3));
  const outcomes: Partial<Record<LateStage, StageOutcome>> = {};
  const stage_seconds: LateOutcomes['stage_seconds'] & Partial<Record<LateStage, number>> = {
    download: continuation.download_seconds,
    separate: secondsSince(continuation.fanned_out_at),
    analyze: record.analyze_seconds,
  };
  const inputs: Record<LateStage, () => unknown> = {
    assemble: () => ({ source, plan }),
    upload: () => ({
      source,
      plan,
      elapsedSeconds: secondsSince(continuation.started_at),
      stageSeconds: { ...stage_seconds },
    }),
    callback: () => ({ audio_file_id, messageId: continuation.message_id }),
    cleanup: () => ({ audio_file_id, source, queued: continuation.queued }),
  };
  for (const stage of LATE_STAGES) {
    await noteLateStage(container, song, { ...record, stage });
    if (stage === 'cleanup') {
      const reached = { outcomes, stage_seconds };
      await sealLateStages(container, audio_file_id, continuation.fan_out, reached);
    }
    const outcome = await perform(stage, { audio_file_id, attempt: 1, input: inputs[stage]() }, leftMs());
    // What had less than its full time has not been tried: it gets that in an activity of its own.
    if (outcome.error?.code === 'timed_out') break;
    outcomes[stage] = outcome;
    if (outcome.error) break;
    if (stage === 'assemble' || stage === 'upload') stage_seconds[stage] = outcome.seconds;
  }
  return { outcomes, stage_seconds };
}

/** Goes on from where only cleanup was missing, or its news. */
async function finish(
  sealed: LateOutcomes,
  { input: { source }, audio_file_id, continuation }: StageCall<SongCall>,
  perform: Perform,
  limitMs: number,
): Promise<LateOutcomes> {
  const input = { audio_file_id, source, queued: continuation?.queued };
  const call = { audio_file_id, attempt: 1, input };
  const cleanup = await perform('cleanup', call, limitMs);
  return { ...sealed, outcomes: { ...sealed.outcomes, cleanup } };
}
