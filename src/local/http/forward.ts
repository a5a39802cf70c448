import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type HttpProxy, INVOCATION_ID } from '../worker/http-proxy.ts';
import { MAX_BODY_BYTES } from './body.ts';
import { problemAnswer } from './problem.ts';
import type { HttpAnswer } from './rpc.ts';

/** These belong to one connection and not to the message. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** The host's own to set; and it has answered an expectation itself. */
const REPLACED = new Set([
  'host',
  'expect',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  INVOCATION_ID,
]);

/** A request on its way to the worker. */
export interface Forwarded {
  /** Once the worker has it. */
  readonly arrived: Promise<void>;
  /** The worker's answer, whose body is still on its way. */
  readonly answer: Promise<HttpAnswer>;
  abort(): void;
}

/** Sends a request on to the worker's own server, its body as it comes in. A client that goes away takes it along. */
export function forward(
  request: IncomingMessage,
  host: string,
  proxy: HttpProxy,
  invocationId: string,
): Forwarded {
  const { method, url: path, headers, socket } = request;
  proxy.expect(invocationId);
  const onward = httpRequest({
    hostname: proxy.hostname,
    port: proxy.port,
    method,
    path,
    agent: false,
    setDefaultHeaders: false,
    headers: [
      ...endToEnd(request).filter(([name]) => !REPLACED.has(name.toLowerCase())),
      ...(headers['transfer-encoding'] ? [['Transfer-Encoding', 'chunked']] : []),
      ['Host', `${proxy.hostname}:${proxy.port}`],
      // To have it closed by the worker would be to lose an answer that comes before the whole body was read.
      ['Connection', 'keep-alive'],
      ['X-Forwarded-For', socket.remoteAddress ?? ''],
      ['X-Forwarded-Host', host],
      ['X-Forwarded-Proto', 'http'],
      [INVOCATION_ID, invocationId],
    ].flat(),
  });
  const abort = () => void onward.destroy();
  socket.once('close', abort);
  onward.once('close', () => socket.off('close', abort));

  const arrived = new Promise<void>((resolve, reject) => {
    onward.once('socket', (to) => to.once('connect', resolve));
    onward.once('error', reject);
  });
  const answer = new Promise<HttpAnswer>((resolve, reject) => {
    onward.once('response', (response) => {
      // With the answer whole, nobody wants what is left of the request.
      response.once('close', abort);
      resolve({ status: response.statusCode!, headers: endToEnd(response), body: response });
    });
    onward.once('error', reject);
    onward.once('close', () => reject(new Error('The connection was closed before an answer.')));
    limit(request, () => {
      abort();
      resolve(tooLarge());
    });
  });
  answer.catch(() => {}); // Whoever waits for it hears of it; nobody may.
  onward.flushHeaders();
  request.pipe(onward);
  return { arrived, answer, abort };
}

export const tooLarge = (limit = MAX_BODY_BYTES) =>
  problemAnswer(413, 'request_too_large', `The body is over ${limit} bytes, the most that the host takes.`);

/** Calls `exceeded` when more of a body comes than Azure Functions takes. */
function limit(request: IncomingMessage, exceeded: () => void): void {
  let size = 0;
  const count = (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= MAX_BODY_BYTES) return;
    request.off('data', count);
    exceeded();
  };
  request.on('data', count);
}

/** The headers that go on to the other side. */
function endToEnd({ rawHeaders, headers }: IncomingMessage): [string, string][] {
  const named = new Set(`${headers.connection ?? ''}`.toLowerCase().split(/[\s,]+/));
  const pairs: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    if (!HOP_BY_HOP.has(name) && !named.has(name)) pairs.push([rawHeaders[i], rawHeaders[i + 1]]);
  }
  return pairs;
}
