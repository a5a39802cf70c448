/** One activity per stage. Each takes and returns small JSON and can be run again. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { endIdleProcesses } from '../pipeline/compute/pool.ts';
import type { Stage } from '../pipeline/contracts.ts';
import { asWorkerError } from '../pipeline/errors.ts';
import { analyze } from '../pipeline/stages/analyze.ts';
import { assemble } from '../pipeline/stages/assemble.ts';
import { callback } from '../pipeline/stages/callback.ts';
import { cleanup } from '../pipeline/stages/cleanup.ts';
import { type StageContext, stageContext } from '../pipeline/stages/context.ts';
import { download } from '../pipeline/stages/download.ts';
import { separate } from '../pipeline/stages/separate.ts';
import { upload } from '../pipeline/stages/upload.ts';
import type { StageOutcome } from './names.ts';
import { encodeFailure } from './stage-failure.ts';

register('download', download);
register('separate', separate);
register('analyze', analyze);
register('assemble', assemble);
register('upload', upload);
register('callback', callback);
register('cleanup', cleanup);
app.hook.appTerminate(endIdleProcesses);

/** A final failure is returned, so that it is not tried again; a retryable one is thrown. */
function register<I, O>(stage: Stage, work: (input: I, context: StageContext) => Promise<O>): void {
  df.app.activity(stage, {
    handler: async (input: I, invocation): Promise<StageOutcome<O>> => {
      const start = performance.now();
      const seconds = () => Math.round(performance.now() - start) / 1000;
      try {
        return { value: await work(input, stageContext()), seconds: seconds() };
      } catch (thrown) {
        const error = asWorkerError(thrown);
        invocation.error(`${stage} failed after ${seconds()} s: ${error.message} [${error.code}]`);
        if (error.retryable) throw new Error(encodeFailure(stage, error));
        return { error: { code: error.code, message: error.message }, seconds: seconds() };
      }
    },
  });
}
