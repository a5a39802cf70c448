/** `POST /analyze`: starts the run of a song, or joins the one that is under way. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { parseAnalyzeRequest } from '../pipeline/contracts.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { withProblems } from './problem.ts';
import { requestRun } from './request.ts';
import { readJsonBody } from './request-body.ts';
import type { Start } from './start.ts';

/** Seconds after which asking for the status is worth while. */
const RETRY_AFTER_SECONDS = 5;

const MESSAGE: Record<Start, string> = {
  started: 'Analysis started.',
  joined: 'The song is being analysed already.',
  queued: 'The run that is under way ends, and this one follows it.',
};

app.http('analyzeRequest', {
  methods: ['POST'],
  route: 'analyze',
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: withProblems(async (request, context) => {
    const body = parseAnalyzeRequest(await readJsonBody(request));
    const worker = stageContext();
    const client = df.getClient(context);
    const start = await requestRun(body, client, worker);
    const { audio_file_id } = body;
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
