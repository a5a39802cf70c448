/** One activity per stage. Each takes and returns small JSON and can be run again. */
import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { removeHeldFolders } from '../pipeline/audio/copies/copies.ts';
import { endIdleProcesses } from '../pipeline/compute/pool.ts';
import type { Stage } from '../pipeline/contracts.ts';
import { asWorkerError } from '../pipeline/errors.ts';
import { faultPoint } from '../pipeline/fault-point.ts';
import { analyze } from '../pipeline/stages/analyze.ts';
import { assemble } from '../pipeline/stages/assemble.ts';
import { callback } from '../pipeline/stages/callback.ts';
import { cleanup } from '../pipeline/stages/cleanup.ts';
import { type StageContext, stageContext } from '../pipeline/stages/context.ts';
import { download } from '../pipeline/stages/download.ts';
import { separate } from '../pipeline/stages/separate.ts';
import { upload } from '../pipeline/stages/upload.ts';
import { ActivityWatch, interruptActivities } from './activity-watch.ts';
import type { StageCall, StageOutcome } from './names.ts';

const underWay = new Set<Promise<unknown>>();

register('download', download);
register('separate', separate);
register('analyze', analyze);
register('assemble', assemble);
register('upload', upload);
register('callback', callback);
register('cleanup', cleanup);

app.hook.appTerminate(async () => {
  interruptActivities();
  await Promise.allSettled(underWay);
  endIdleProcesses();
  await removeHeldFolders();
});

function register<I>(stage: Stage, work: (input: I, context: StageContext) => Promise<unknown>): void {
  df.app.activity(stage, {
    handler: async (call: StageCall<I>, invocation) => {
      const outcome = perform(stage, call, work, invocation);
      underWay.add(outcome);
      return await outcome.finally(() => underWay.delete(outcome));
    },
  });
}

/** Failures are returned: the orchestrator decides what is tried again. Only an interruption is thrown, for it is none. */
async function perform<I>(
  stage: Stage,
  { audio_file_id, attempt, input }: StageCall<I>,
  work: (input: I, context: StageContext) => Promise<unknown>,
  invocation: InvocationContext,
): Promise<StageOutcome> {
  const start = performance.now();
  const seconds = () => Math.round(performance.now() - start) / 1000;
  try {
    const context = stageContext();
    using watch = new ActivityWatch(stage, audio_file_id, context);
    const { signal } = watch;
    await watch.look();
    signal.throwIfAborted();
    faultPoint(stage, 'before');
    const value = await work(input, { ...context, signal, log: (text) => invocation.log(text) });
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
