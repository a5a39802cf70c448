import type { ManagementApi } from '../durable/management.ts';
import { describe, type Log } from '../log.ts';
import type { App } from '../worker/app.ts';
import { type Route, routesOf } from './routes.ts';
import { fromRpcResponse, type RpcData, toRpcRequest } from './rpc.ts';
import { emptyAnswer, type HttpHandler } from './server.ts';

/** Under this path the durable extension answers its clients. */
const WEBHOOKS = '/runtime/webhooks/';

/** Sends requests to the functions by route, and those under the webhooks' path to the durable engine. */
export function createHandler(
  app: App,
  durable: ManagementApi,
  routes: readonly Route[],
  log: Log,
): HttpHandler {
  const match = routesOf(routes);
  return async (request, url, body) => {
    if (url.pathname.startsWith(WEBHOOKS)) return askEngine(durable, request, url, body);
    const found = match(request.method ?? '', url.pathname);
    if (found.kind === 'unknown') return emptyAnswer(404);
    if (found.kind === 'wrong-method') return emptyAnswer(405, [['allow', found.allowed.join(', ')]]);
    const { functionName, params } = found;
    try {
      return fromRpcResponse(
        await invoke(app, functionName, toRpcRequest(request, url, params, body), params),
      );
    } catch (error) {
      log('error', functionName, `${request.method} ${url.pathname} failed: ${describe(error)}`);
      return emptyAnswer(500);
    }
  };
}

async function invoke(
  app: App,
  functionName: string,
  data: RpcData,
  params: Record<string, string>,
): Promise<RpcData | null | undefined> {
  const { trigger, bindings } = app.functions.get(functionName)!;
  const metadata = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, { string: value }]),
  );
  const result = await app.invoke(functionName, [{ name: trigger.name, data }], metadata);
  const output = bindings.find((binding) => binding.type === 'http' && binding.direction === 'out');
  return result.returnValue ?? result.outputData.find(({ name }) => name === output?.name)?.data;
}

const askEngine = async (
  durable: ManagementApi,
  ...[request, url, body]: Parameters<HttpHandler>
): ReturnType<HttpHandler> => {
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
};
