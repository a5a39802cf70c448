import type { IncomingMessage } from 'node:http';

/** As large as the body of a request to Azure Functions may be. */
export const MAX_BODY_BYTES = 100 * 1024 * 1024;
/** How long a client may go on sending a body that nobody reads. */
const DISCARD_LIMIT_MS = 10_000;

/** The request's body, or undefined where it is larger than allowed; the rest of that is not read. */
export async function readBody(
  request: IncomingMessage,
  limit = MAX_BODY_BYTES,
): Promise<Uint8Array | undefined> {
  if (declaredLength(request) > limit) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.byteLength;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** What `Content-Length` says; 0 without one. */
export const declaredLength = (request: IncomingMessage): number =>
  Number(request.headers['content-length'] ?? 0);

/**
 * Reads and drops what is left of an answered request: a client that sends all before it reads would find the connection
 * reset instead of its answer. Not without end. Then the connection serves the next request, or closes where it `isLast`.
 */
export function discard(request: IncomingMessage, isLast: boolean): void {
  if (request.destroyed) return;
  const { socket } = request;
  if (request.complete) return isLast ? void socket.end() : undefined;
  let left = MAX_BODY_BYTES;
  const cut = () => socket.destroy();
  const late = setTimeout(cut, DISCARD_LIMIT_MS);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) cut();
  });
  request.once('end', () => {
    clearTimeout(late);
    if (isLast) socket.end();
  });
  socket.once('close', () => clearTimeout(late));
  request.unpipe(); // What it went to is gone, or will be in a moment, which would pause it.
  request.resume();
}
