import type { HttpRequest } from '@azure/functions';
import { WorkerError } from '../pipeline/errors.ts';

/** As large as a request's body may be: 64 kB. The largest that makes sense is a tenth of that. */
export const MAX_BODY_BYTES = 64 * 1024;
/** Time for a whole body. */
const BODY_TIMEOUT_MS = 20_000;

/**
 * A request's body as JSON, of whatever content type it claims to be. No more than the limit is read: the host sees to
 * what else the client sends.
 *
 * @throws WorkerError `request_too_large`, `request_timeout`, or `invalid_request` for what is no JSON in UTF-8.
 */
export async function readJsonBody(request: HttpRequest, timeoutMs = BODY_TIMEOUT_MS): Promise<unknown> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw invalid(`expected a JSON object as it is, got Content-Encoding: ${encoding}`);
  const declared = request.headers.get('content-length');
  if (Number(declared) > MAX_BODY_BYTES) throw tooLarge(`${declared} bytes`);
  const bytes = await readBounded(request, timeoutMs);
  if (bytes.length === 0) throw invalid('expected a JSON object, got nothing');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('expected a JSON object in UTF-8, got bytes that are none');
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('expected a JSON object', cause);
  }
}

/** The reader is never cancelled: that would end the connection before the answer is sent. */
async function readBounded({ body }: HttpRequest, timeoutMs: number): Promise<Buffer> {
  const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooSlow(size, timeoutMs)), timeoutMs);
  try {
    for (;;) {
      const chunk = await Promise.race([reader?.read(), late.promise]);
      if (!chunk?.value) return Buffer.concat(chunks, size);
      chunks.push(chunk.value);
      size += chunk.value.length;
      if (size > MAX_BODY_BYTES) throw tooLarge('more');
    }
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    throw invalid(`expected a JSON object, and the connection broke off after ${size} bytes`, error);
  } finally {
    clearTimeout(timer);
  }
}

const invalid = (what: string, cause?: unknown) =>
  new WorkerError('invalid_request', `body: ${what}.`, { cause });

const tooLarge = (got: string) =>
  new WorkerError(
    'request_too_large',
    `body: expected at most ${MAX_BODY_BYTES} bytes, got ${got}. Songs go into the container, not into the request.`,
  );

const tooSlow = (size: number, timeoutMs: number) =>
  new WorkerError(
    'request_timeout',
    `body: expected all of it within ${timeoutMs / 1000} s, got ${size} bytes. Send it again.`,
  );
