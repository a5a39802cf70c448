/** `DELETE /analyze/{audio_file_id}`: calls a run off. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { type Progress, parseAudioFileId } from '../pipeline/contracts.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { requestCancel } from '../pipeline/stages/cancel.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { currentProgress } from '../pipeline/stages/progress.ts';
import { withProblems } from './problem.ts';
import { instanceStatus, PUBLISHED, UNDER_WAY } from './start.ts';

app.http('analyzeCancel', {
  methods: ['DELETE'],
  route: 'analyze/{audio_file_id}',
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: withProblems(async (request, invocation) => {
    const audio_file_id = parseAudioFileId(request.params.audio_file_id);
    const instance = await instanceStatus(df.getClient(invocation), audio_file_id);
    if (!instance) throw new WorkerError('not_found', `There is no run of the song '${audio_file_id}'.`);
    const context = stageContext();
    const progress = await currentProgress(audio_file_id, instance.customStatus as Progress | null, context);
    if (!UNDER_WAY.has(instance.runtimeStatus) || PUBLISHED.has(progress?.stage))
      throw new WorkerError(
        'already_finished',
        `The run of '${audio_file_id}' has ended; there is nothing to cancel.`,
      );
    await requestCancel(audio_file_id, { code: 'canceled', message: 'The run was cancelled.' }, context);
    return {
      status: 202,
      headers: { Location: new URL(`/analyze/${audio_file_id}`, request.url).href, 'Retry-After': '2' },
      jsonBody: { audio_file_id, status: 'canceling', message: 'The run leaves off at the next segment.' },
    };
  }),
});
