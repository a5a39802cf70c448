/** `POST /analyze`: starts the run of a song, or joins the one that is under way. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { parseAnalyzeRequest } from '../pipeline/contracts.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { requireKnown } from '../pipeline/separation/registry.ts';
import { requestCallback } from '../pipeline/stages/callback.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { blobNameOf } from '../pipeline/storage/container.ts';
import { storageCallIfThere } from '../pipeline/storage/requests.ts';
import { withProblems } from './problem.ts';
import { type Start, startRun } from './start.ts';

/** Seconds after which asking for the status is worth while. */
const RETRY_AFTER_SECONDS = 5;

const MESSAGE: Record<Start, string> = {
  started: 'Analysis started.',
  joined: 'The song is being analysed already.',
  queued: 'The run that is under way leaves off, and this one follows it.',
};

app.http('analyzeRequest', {
  methods: ['POST'],
  route: 'analyze',
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: withProblems(async (request, context) => {
    const text = await request.text();
    const body = parseAnalyzeRequest(parseJson(text));
    const stage = stageContext();
    const blob_name = blobNameOf(stage.container, body.blob_uri);
    const { audio_file_id, model, stems } = body;
    if (model || stems) requireKnown(model ?? stage.config.model, stems, stage.config);
    if (body.callback_url) await requestCallback(audio_file_id, body.callback_url, stage);
    // Where there is no blob, the run will tell.
    const blob = await storageCallIfThere(blob_name, (options) =>
      stage.container.getBlobClient(blob_name).getProperties(options),
    );
    const start = await startRun(
      df.getClient(context),
      { audio_file_id, blob_name, etag: blob?.etag, model, stems },
      stage,
    );
    const location = new URL(`/analyze/${audio_file_id}`, request.url).href;
    return {
      status: 202,
      headers: {
        Location: location,
        'Operation-Location': location,
        'Retry-After': String(RETRY_AFTER_SECONDS),
      },
      jsonBody: {
        audio_file_id,
        status: 'processing',
        message: MESSAGE[start],
      },
    };
  }),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WorkerError('invalid_request', 'body: expected a JSON object.', { cause });
  }
}
