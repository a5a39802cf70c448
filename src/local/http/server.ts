import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HostSetupError } from '../errors.ts';
import { describe, type Log } from '../log.ts';
import { readBody } from './body.ts';
import type { HttpAnswer } from './rpc.ts';

/** Answers one request whose body is read already. A rejection becomes a 500 with an empty body, and a log line. */
export type HttpHandler = (request: IncomingMessage, url: URL, body: Uint8Array) => Promise<HttpAnswer>;

export interface HttpServer {
  /** `http://127.0.0.1:7071`: without a slash at the end. */
  readonly url: string;
  /** From here on requests go to `handler`; until then they are answered with 503. */
  serve(handler: HttpHandler): void;
  /** Takes no more connections, and lets the requests in flight end within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export const emptyAnswer = (status: number, headers: HttpAnswer['headers'] = []): HttpAnswer => ({
  status,
  headers,
  body: new Uint8Array(),
});

/** Takes the port at once, so that a busy one is known before anything else starts. Port 0 means any free one. */
export async function listen(port: number, hostname: string, log: Log): Promise<HttpServer> {
  let handler: HttpHandler = async () => emptyAnswer(503, [['retry-after', '1']]);
  const server = createServer((request, response) => {
    answer(request, handler, log).then(
      (ready) => send(request, response, ready, log),
      (error) => {
        log('error', 'http', `${request.method} ${request.url} failed: ${describe(error)}`);
        send(request, response, emptyAnswer(500), log);
      },
    );
  });
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

async function answer(request: IncomingMessage, handler: HttpHandler, log: Log): Promise<HttpAnswer> {
  const url = toUrl(request);
  if (!url) return emptyAnswer(400);
  let body: Uint8Array | undefined;
  try {
    body = await readBody(request);
  } catch (error) {
    log('warning', 'http', `${request.method} ${request.url} broke off: ${(error as Error).message}`);
    return emptyAnswer(400);
  }
  return body ? handler(request, url, body) : emptyAnswer(413, [['connection', 'close']]);
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

function send(request: IncomingMessage, response: ServerResponse, ready: HttpAnswer, log: Log): void {
  if (response.destroyed) return;
  try {
    for (const [name, value] of ready.headers) response.appendHeader(name, value);
    const hasBody = ready.status !== 204 && ready.status !== 304;
    if (hasBody) response.setHeader('content-length', ready.body.byteLength);
    response.writeHead(ready.status);
    response.end(hasBody && request.method !== 'HEAD' ? ready.body : undefined);
  } catch (error) {
    log('error', 'http', `${request.method} ${request.url}: no valid response: ${describe(error)}`);
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.writeHead(500, { 'content-length': 0 }).end();
  }
  request.resume();
}

async function bind(server: Server, port: number, hostname: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? busy(port, error) : error);
    });
    server.listen(port, hostname, resolve);
  });
}

function busy(port: number, cause: Error): HostSetupError {
  const message = `port ${port} is in use: another host may be running. Set PORT to a free one, as in PORT=${port + 1} npm start`;
  return new HostSetupError(message, { cause });
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
