/** What a stage's activity does. Each takes and returns small JSON and can be run again. */
import type { InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { asWorkerError } from '../pipeline/errors.ts';
import { faultPoint } from '../pipeline/fault-point.ts';
import { analyze } from '../pipeline/stages/analyze.ts';
import { assemble } from '../pipeline/stages/assemble.ts';
import { callback, releaseCallback } from '../pipeline/stages/callback.ts';
import { cleanup } from '../pipeline/stages/cleanup.ts';
import { type StageContext, stageContext } from '../pipeline/stages/context.ts';
import { type DownloadResult, download } from '../pipeline/stages/download.ts';
import { separate, separationParts } from '../pipeline/stages/separate.ts';
import { upload } from '../pipeline/stages/upload.ts';
import { ActivityWatch } from './activity-watch.ts';
import { type HoldInput, holdAndDeliver } from './callback-delivery.ts';
import { performAndContinue, type SongCall } from './late-stages.ts';
import type { ActivityName, Continuation, StageCall, StageOutcome } from './names.ts';
import { activityCame, expectActivities, othersAreExpected } from './queue-order.ts';

type Work = (input: unknown, context: StageContext) => Promise<unknown>;

const WORK = {
  download,
  separate,
  analyze,
  assemble,
  upload,
  callback,
  cleanup,
  releaseCallback,
} as Record<Exclude<ActivityName, 'holdCallback'>, Work>;

const underWay = new Set<Promise<unknown>>();

/** Settles once no activity is under way. */
export async function activitiesEnded(): Promise<void> {
  await Promise.allSettled(underWay);
}

/** The handler of an activity. */
export async function runActivity(
  name: ActivityName,
  call: StageCall,
  invocation: InvocationContext,
): Promise<StageOutcome> {
  const outcome = activityOf(name, call, invocation);
  underWay.add(outcome);
  return await outcome.finally(() => underWay.delete(outcome));
}

async function activityOf(
  name: ActivityName,
  call: StageCall,
  invocation: InvocationContext,
): Promise<StageOutcome> {
  const { audio_file_id } = call;
  const performStage = (stage: Exclude<ActivityName, 'holdCallback'>, its: StageCall, limitMs?: number) =>
    perform(stage, WORK[stage], its, invocation, limitMs);
  switch (name) {
    case 'holdCallback': {
      const client = df.getClient(invocation);
      const work: Work = (input, context) => holdAndDeliver(input as HoldInput, client, context);
      return await perform(name, work, call, invocation);
    }
    case 'download': {
      if (call.may_make_way && othersAreExpected(audio_file_id)) return { seconds: 0, made_way: true };
      const outcome = await performStage(name, call);
      const downloaded = outcome.value as DownloadResult | undefined;
      if (downloaded) expectActivities(audio_file_id, separationParts(downloaded.plan).length + 1);
      return outcome;
    }
    case 'analyze':
    case 'separate': {
      activityCame(audio_file_id);
      if (!call.continuation) return await performStage(name, call);
      const songCall = call as StageCall<SongCall> & { continuation: Continuation };
      const log = (text: string) => invocation.log(text);
      return await performAndContinue(name, songCall, { ...stageContext(), log }, performStage);
    }
    default:
      return await performStage(name, call);
  }
}

/** Failures are returned: the orchestrator decides what is tried again. Only an interruption is thrown, for it is none. */
async function perform(
  name: ActivityName,
  work: Work,
  { audio_file_id, attempt, input }: StageCall,
  invocation: InvocationContext,
  limitMs?: number,
): Promise<StageOutcome> {
  const start = performance.now();
  const seconds = () => Math.round(performance.now() - start) / 1000;
  try {
    const context = stageContext();
    using watch = new ActivityWatch(name, audio_file_id, context, limitMs);
    const { signal } = watch;
    await watch.look();
    signal.throwIfAborted();
    faultPoint(name, 'before');
    const value = await work(input, { ...context, signal, log: (text) => invocation.log(text) });
    faultPoint(name, 'after');
    return { value, seconds: seconds() };
  } catch (thrown) {
    const error = asWorkerError(thrown);
    if (error.code === 'interrupted') throw error;
    const { code, message, retryAfterMs: retry_after_ms } = error;
    invocation.error(
      `${name} of '${audio_file_id}' failed in attempt ${attempt} after ${seconds()} s: ${message} [${code}]`,
    );
    return { error: { code, message, attempt, retry_after_ms }, seconds: seconds() };
  }
}
