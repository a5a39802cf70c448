import type { HttpAnswer } from './rpc.ts';

/** What the host itself refuses, as `application/problem+json` with a stable code, like the app's own errors. */
export function problemAnswer(status: number, code: string, detail: string): HttpAnswer {
  const title = code.replaceAll('_', ' ');
  return {
    status,
    headers: [['content-type', 'application/problem+json']],
    body: Buffer.from(JSON.stringify({ type: 'about:blank', title, status, detail, code })),
  };
}

export const emptyAnswer = (status: number, headers: HttpAnswer['headers'] = []): HttpAnswer => ({
  status,
  headers,
  body: new Uint8Array(),
});
