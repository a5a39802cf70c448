/** `GET /analyze/{audio_file_id}`: stage and progress of a run, in the end its result. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { OrchestrationRuntimeStatus } from 'durable-functions';
import { type Progress, parseAudioFileId, type RunOutput } from '../pipeline/contracts.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { publishedResult } from '../pipeline/publication/published-result.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { currentProgress } from '../pipeline/stages/progress.ts';
import { currentCallback } from './callback-delivery.ts';
import { withProblems } from './problem.ts';
import { withSecondLook } from './second-look.ts';
import { instanceStatus, PUBLISHED } from './start.ts';

app.http('analyzeStatus', {
  methods: ['GET'],
  route: 'analyze/{audio_file_id}',
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: withProblems(
    withSecondLook(async (request, context) => {
      const audio_file_id = parseAudioFileId(request.params.audio_file_id);
      const stage = stageContext();
      const client = df.getClient(context);
      const instance = await instanceStatus(client, audio_file_id);
      const told = instance?.customStatus as Progress | null | undefined;
      const progress = await currentProgress(audio_file_id, told, stage);
      switch (instance?.runtimeStatus) {
        case undefined:
        case OrchestrationRuntimeStatus.Completed: {
          const output = (instance?.output ?? {}) as Partial<RunOutput>;
          if (output.status === 'canceled')
            return { jsonBody: { audio_file_id, status: 'canceled', stage: progress?.stage } };
          const result = await publishedResult(stage.container, audio_file_id);
          if (!result) throw new WorkerError('not_found', `Nothing is known of the song '${audio_file_id}'.`);
          const { stage_seconds } = output;
          const callback = await currentCallback(client, output);
          return {
            jsonBody: {
              audio_file_id,
              status: 'completed',
              progress: 1,
              ...callback,
              stage_seconds,
              result,
            },
          };
        }
        case OrchestrationRuntimeStatus.Failed:
          return {
            jsonBody: {
              audio_file_id,
              status: 'failed',
              stage: progress?.stage,
              error: progress?.error ?? { code: 'internal', message: 'The run failed; the log says why.' },
              ...(await currentCallback(client, progress ?? {})),
            },
          };
        case OrchestrationRuntimeStatus.Terminated:
        case OrchestrationRuntimeStatus.Canceled:
          return { jsonBody: { audio_file_id, status: 'canceled', stage: progress?.stage } };
        case OrchestrationRuntimeStatus.Pending:
          return {
            headers: { 'Retry-After': '2' },
            jsonBody: { audio_file_id, status: 'queued', progress: 0 },
          };
        default:
          return {
            headers: { 'Retry-After': '2' },
            jsonBody: {
              audio_file_id,
              status: 'processing',
              stage: progress?.stage ?? 'download',
              progress: progress?.progress ?? 0,
              // It is there before the run has ended, and nobody should have to wait for that.
              result: PUBLISHED.has(progress?.stage)
                ? await publishedResult(stage.container, audio_file_id)
                : undefined,
            },
          };
      }
    }),
  ),
});
