import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { ManagementApi } from '../durable/management.ts';
import { describe, type Log } from '../log.ts';
import type { App } from '../worker/app.ts';
import type { HttpProxy } from '../worker/http-proxy.ts';
import { declaredLength, readBody } from './body.ts';
import { forward, tooLarge } from './forward.ts';
import { emptyAnswer } from './problem.ts';
import { type Route, routesOf } from './routes.ts';
import { fromRpcResponse, type HttpAnswer, toRpcRequest, toTriggerMetadata } from './rpc.ts';
import type { HttpHandler } from './server.ts';

/** Under this path the durable extension answers its clients. */
const WEBHOOKS = '/runtime/webhooks/';
/** As large as an input or event may be that is sent there: it goes into the history, which is read again and again. */
const MAX_EVENT_BYTES = 1024 * 1024;
/** Time in which the answer of an invocation that has ended is here: the way is short. */
const ANSWER_LIMIT_MS = 2000;

/** A request for a function. */
interface Call {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly functionName: string;
  readonly params: Record<string, string>;
}

/** Sends requests to the functions by route, and those under the webhooks' path to the durable engine. */
export function createHandler(
  app: App,
  durable: ManagementApi,
  routes: readonly Route[],
  log: Log,
): HttpHandler {
  const match = routesOf(routes);
  return async (request, url) => {
    if (url.pathname.startsWith(WEBHOOKS)) return askEngine(durable, request, url);
    const found = match(request.method ?? '', url.pathname);
    if (found.kind === 'unknown') return emptyAnswer(404);
    if (found.kind === 'wrong-method') return emptyAnswer(405, [['allow', found.allowed.join(', ')]]);
    const call = { request, url, ...found };
    try {
      return app.httpProxy ? await stream(app, app.httpProxy, call) : await pass(app, call);
    } catch (error) {
      // A client that went away is no failure.
      if (!request.socket.destroyed)
        log('error', found.functionName, `${request.method} ${url.pathname} failed: ${describe(error)}`);
      return emptyAnswer(500);
    }
  };
}

/** The request goes to the worker's own server, and the invocation only says so. */
async function stream(
  app: App,
  proxy: HttpProxy,
  { request, url, functionName, params }: Call,
): Promise<HttpAnswer> {
  const invocationId = randomUUID();
  const { arrived, answer, abort } = forward(request, url.host, proxy, invocationId);
  await arrived;
  const { trigger } = app.functions.get(functionName)!;
  const input = { name: trigger.name, data: { http: { method: request.method } } };
  const ended = app
    .invoke(functionName, [input], toTriggerMetadata(request, url, params), invocationId)
    .then(async () => {
      await pause(ANSWER_LIMIT_MS, undefined, { ref: false });
      throw new Error('It returned nothing: an HTTP function that streams has to return a response.');
    });
  try {
    return await Promise.race([answer, ended]);
  } catch (error) {
    abort();
    throw error;
  } finally {
    ended.catch(() => {});
  }
}

/** The request goes with the invocation: its body too, but as on the real host only where its length is known. */
async function pass(app: App, { request, url, functionName, params }: Call): Promise<HttpAnswer> {
  const body = declaredLength(request) > 0 ? await readBody(request) : new Uint8Array();
  if (!body) return tooLarge();
  const { trigger, bindings } = app.functions.get(functionName)!;
  const input = { name: trigger.name, data: toRpcRequest(request, url, params, body) };
  const result = await app.invoke(functionName, [input], toTriggerMetadata(request, url, params));
  const output = bindings.find((binding) => binding.type === 'http' && binding.direction === 'out');
  return fromRpcResponse(
    result.returnValue ?? result.outputData.find(({ name }) => name === output?.name)?.data,
  );
}

async function askEngine(durable: ManagementApi, request: IncomingMessage, url: URL): Promise<HttpAnswer> {
  const body = await readBody(request, MAX_EVENT_BYTES);
  if (!body) return tooLarge(MAX_EVENT_BYTES);
  const bodyless = request.method === 'GET' || request.method === 'HEAD';
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const response = await durable(
    new Request(url, { method: request.method, headers, body: bodyless ? undefined : Buffer.from(body) }),
  );
  if (!response) return emptyAnswer(404);
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => name !== 'content-length'),
    body: new Uint8Array(await response.arrayBuffer()),
  };
}
