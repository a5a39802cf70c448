import { join } from 'node:path';
import { createHandler } from '../../src/local/http/handler.ts';
import { toRoute } from '../../src/local/http/routes.ts';
import { listen } from '../../src/local/http/server.ts';
import { loadApp } from '../../src/local/worker/app.ts';

/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:1/';
const ROOT = join(import.meta.dirname, '../..');

/** An app's functions (the product's, if no other is named) behind the embedded host's HTTP, without storage and engine. */
export async function startFront(root = ROOT, prefix = '') {
  const lines: string[] = [];
  const log = (level: string, _: string, message: string) => void lines.push(`${level} ${message}`);
  const app = await loadApp(root, log);
  app.setDurableClient({
    taskHubName: 'none',
    rpcBaseUrl: NOWHERE,
    baseUrl: NOWHERE,
    creationUrls: {},
    managementUrls: {},
  });
  const routes = [...app.functions.values()]
    .filter(({ trigger }) => trigger.type === 'httpTrigger')
    .map(({ name, trigger }) => toRoute(name, trigger, prefix));
  const server = await listen({ port: 0, hostname: '127.0.0.1', log });
  server.serve(createHandler(app, async () => undefined, routes, log));
  return {
    app,
    url: server.url,
    log: () => lines.join('\n'),
    [Symbol.asyncDispose]: async () => {
      await server.close(0);
      await app.terminate();
    },
  };
}
export type Front = Awaited<ReturnType<typeof startFront>>;
