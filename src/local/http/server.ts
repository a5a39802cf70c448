import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HostSetupError } from '../errors.ts';
import { describe, type Log } from '../log.ts';
import { declaredLength, discard, MAX_BODY_BYTES } from './body.ts';
import { tooLarge } from './forward.ts';
import { type Guard, guardOf } from './guard.ts';
import { emptyAnswer } from './problem.ts';
import type { HttpAnswer } from './rpc.ts';

/** Answers one request, having read as much of its body as it wants. A rejection becomes a 500 with an empty body, and a log line. */
export type HttpHandler = (request: IncomingMessage, url: URL) => Promise<HttpAnswer>;

export interface HttpServer {
  /** `http://127.0.0.1:7071`: without a slash at the end. */
  readonly url: string;
  /** From here on requests go to `handler`; until then they are answered with 503. */
  serve(handler: HttpHandler): void;
  /** Takes no more connections, and lets the requests in flight end within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface Listening {
  /** 0 means any free one. */
  readonly port: number;
  readonly hostname: string;
  /** Names under which requests may come, besides those of the machine itself. */
  readonly allowedHosts?: readonly string[];
  readonly log: Log;
}

/** Takes the port at once, so that a busy one is known before anything else starts. */
export async function listen({ port, hostname, allowedHosts, log }: Listening): Promise<HttpServer> {
  const guard = guardOf(hostname, allowedHosts);
  let handler: HttpHandler = async () => emptyAnswer(503, [['retry-after', '1']]);
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    let ready: HttpAnswer;
    try {
      ready = await answer(request, response, guard, handler);
    } catch (error) {
      // A client that went away is nobody's fault.
      if (!response.destroyed)
        log('error', 'http', `${request.method} ${request.url} failed: ${describe(error)}`);
      ready = emptyAnswer(500);
    }
    await send(request, response, ready, log);
  };
  const server = createServer(onRequest).on('checkContinue', onRequest);
  await bind(server, port, hostname);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${bound}`,
    serve: (next) => {
      handler = next;
    },
    close: (graceMs) => close(server, graceMs),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  handler: HttpHandler,
): Promise<HttpAnswer> {
  const refusal = guard(request);
  if (refusal) return refusal;
  const url = toUrl(request);
  if (!url) return emptyAnswer(400);
  if (declaredLength(request) > MAX_BODY_BYTES) return tooLarge();
  if (/100-continue/i.test(request.headers.expect ?? '')) response.writeContinue();
  return await handler(request, url);
}

/** The absolute address of a request, or undefined where target or Host header are malformed. */
function toUrl(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '';
  if (!target.startsWith('/')) return undefined;
  const url = URL.parse(`http://${request.headers.host}${target}`);
  try {
    decodeURIComponent(url?.pathname ?? '');
    return url ?? undefined;
  } catch {
    return undefined;
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
  log: Log,
): Promise<void> {
  const isStream = body instanceof Readable;
  if (response.destroyed) return isStream ? void body.destroy() : undefined;
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304;
  // To close it now, as the client may have asked, would reset it under what is still being sent, and lose the answer.
  const isLast = !response.shouldKeepAlive;
  if (!request.complete) response.shouldKeepAlive = true;
  try {
    for (const [name, value] of headers) response.appendHeader(name, value);
    if (!isStream && status !== 204 && status !== 304) response.setHeader('content-length', body.byteLength);
    response.writeHead(status);
    if (!isStream || !hasBody) response.end(hasBody ? body : undefined);
    if (isStream && !hasBody) body.resume();
    if (isStream && hasBody) await pipeline(body, response);
  } catch (error) {
    if (response.headersSent) return void response.destroy(); // The client sees that the answer is not whole.
    log('error', 'http', `${request.method} ${request.url}: no valid response: ${describe(error)}`);
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.writeHead(500, { 'content-length': 0 }).end();
  }
  discard(request, isLast);
}

async function bind(server: Server, port: number, hostname: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(refused(port, hostname, error)));
    server.listen(port, hostname, resolve);
  });
}

function refused(port: number, hostname: string, cause: NodeJS.ErrnoException): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} is in use: another host may be running. Set PORT to a free one, as in PORT=${port + 1} npm start`,
    EACCES: `port ${port} is not for everybody: set PORT to one from 1024 on, as in PORT=7071 npm start`,
    EADDRNOTAVAIL: `HOST is ${hostname}, which is no address of this machine`,
    ENOTFOUND: `HOST is ${hostname}, which is no address of this machine`,
  };
  const message = reasons[cause.code ?? ''];
  return message ? new HostSetupError(message, { cause }) : cause;
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(late);
}
