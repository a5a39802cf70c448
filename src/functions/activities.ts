/** What a stage's activity does. Each takes and returns small JSON and can be run again. */
import type { InvocationContext } from '@azure/functions';
import type { Stage } from '../pipeline/contracts.ts';
import { asWorkerError } from '../pipeline/errors.ts';
import { faultPoint } from '../pipeline/fault-point.ts';
import { analyze } from '../pipeline/stages/analyze.ts';
import { assemble } from '../pipeline/stages/assemble.ts';
import { callback } from '../pipeline/stages/callback.ts';
import { cleanup } from '../pipeline/stages/cleanup.ts';
import { type StageContext, stageContext } from '../pipeline/stages/context.ts';
import { type DownloadResult, download } from '../pipeline/stages/download.ts';
import { separate, separationParts } from '../pipeline/stages/separate.ts';
import { upload } from '../pipeline/stages/upload.ts';
import { ActivityWatch } from './activity-watch.ts';
import { performAndContinue, type SongCall } from './late-stages.ts';
import type { Continuation, StageCall, StageOutcome } from './names.ts';
import { activityCame, expectActivities, othersAreExpected } from './queue-order.ts';

const WORK = { download, separate, analyze, assemble, upload, callback, cleanup } as Record<
  Stage,
  (input: unknown, context: StageContext) => Promise<unknown>
>;

const underWay = new Set<Promise<unknown>>();

/** Settles once no activity is under way. */
export async function activitiesEnded(): Promise<void> {
  await Promise.allSettled(underWay);
}

/** The handler of a stage's activity. */
export async function runActivity(
  stage: Stage,
  call: StageCall,
  invocation: InvocationContext,
): Promise<StageOutcome> {
  const outcome = activityOf(stage, call, invocation);
  underWay.add(outcome);
  return await outcome.finally(() => underWay.delete(outcome));
}

async function activityOf(
  stage: Stage,
  call: StageCall,
  invocation: InvocationContext,
): Promise<StageOutcome> {
  const { audio_file_id } = call;
  const performStage = (each: Stage, its: StageCall, limitMs?: number) =>
    perform(each, its, invocation, limitMs);
  switch (stage) {
    case 'download': {
      if (call.may_make_way && othersAreExpected(audio_file_id)) return { seconds: 0, made_way: true };
      const outcome = await performStage(stage, call);
      const downloaded = outcome.value as DownloadResult | undefined;
      if (downloaded) expectActivities(audio_file_id, separationParts(downloaded.plan).length + 1);
      return outcome;
    }
    case 'analyze':
    case 'separate': {
      activityCame(audio_file_id);
      if (!call.continuation) return await performStage(stage, call);
      const songCall = call as StageCall<SongCall> & { continuation: Continuation };
      const log = (text: string) => invocation.log(text);
      return await performAndContinue(stage, songCall, { ...stageContext(), log }, performStage);
    }
    default:
      return await performStage(stage, call);
  }
}

/** Failures are returned: the orchestrator decides what is tried again. Only an interruption is thrown, for it is none. */
async function perform(
  stage: Stage,
  { audio_file_id, attempt, input }: StageCall,
  invocation: InvocationContext,
  limitMs?: number,
): Promise<StageOutcome> {
  const start = performance.now();
  const seconds = () => Math.round(performance.now() - start) / 1000;
  try {
    const context = stageContext();
    using watch = new ActivityWatch(stage, audio_file_id, context, limitMs);
    const { signal } = watch;
    await watch.look();
    signal.throwIfAborted();
    faultPoint(stage, 'before');
    const value = await WORK[stage](input, { ...context, signal, log: (text) => invocation.log(text) });
    faultPoint(stage, 'after');
    return { value, seconds: seconds() };
  } catch (thrown) {
    const error = asWorkerError(thrown);
    if (error.code === 'interrupted') throw error;
    const { code, message } = error;
    invocation.error(
      `${stage} of '${audio_file_id}' failed in attempt ${attempt} after ${seconds()} s: ${message} [${code}]`,
    );
    return { error: { code, message, attempt }, seconds: seconds() };
  }
}
