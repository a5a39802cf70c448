/** `POST /analyze`: starts the run of a song, or joins the one that is under way. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { parseAnalyzeRequest } from '../pipeline/contracts.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { requireKnown } from '../pipeline/separation/registry.ts';
import { stageContext } from '../pipeline/stages/context.ts';
import { parseBlobAddress } from '../pipeline/storage/blob-address.ts';
import { toldVersion } from '../pipeline/storage/blob-version.ts';
import { isOutput } from '../pipeline/storage/names.ts';
import { storageCallIfThere } from '../pipeline/storage/requests.ts';
import { withProblems } from './problem.ts';
import { type Start, startRun } from './start.ts';
import { endDoubleRun } from './upload-history.ts';

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
    const body = parseAnalyzeRequest(parseJson(await request.text()));
    const worker = stageContext();
    const client = df.getClient(context);
    const blob_name = parseBlobAddress(worker.container.url, body.blob_uri);
    requireInput(blob_name);
    const { audio_file_id, model, stems } = body;
    if (model || stems) requireKnown(model ?? worker.config.model, stems, worker.config);
    // Where there is no blob, the run will tell.
    const blob = await storageCallIfThere(blob_name, (options) =>
      worker.container.getBlobClient(blob_name).getProperties(options),
    );
    const version = blob ? toldVersion(blob_name, blob) : { blob_name };
    const job = { audio_file_id, ...version, model, stems, origin: 'request' } as const;
    const start = await startRun(client, job, worker, body.callback_url);
    await endDoubleRun(client, blob_name, worker);
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

/** @throws WorkerError `invalid_request` for a blob that lies where runs keep theirs: they would replace and remove it. */
function requireInput(blobName: string): void {
  if (!isOutput(blobName)) return;
  throw new WorkerError(
    'invalid_request',
    `blob_uri: an output is never an input, and runs keep theirs in {audio_file_id}/stems, analysis and work; got '${blobName}'. Name the song's own blob, or copy it elsewhere.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WorkerError('invalid_request', 'body: expected a JSON object.', { cause });
  }
}
