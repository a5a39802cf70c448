import type { IncomingMessage } from 'node:http';

/** As large as the body of a request to Azure Functions may be. */
export const MAX_BODY_BYTES = 100 * 1024 * 1024;

/** The request's body, or undefined where it is larger than allowed; what is left of that is read and dropped. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) chunks.length = 0;
    else chunks.push(chunk);
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks, length);
}
