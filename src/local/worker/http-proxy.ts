/**
 * HTTP streaming, as the real host and its worker do it: the library opens an HTTP server of its own in the worker and
 * says so as a capability; the host sends requests there, under the id of their invocation, which itself carries none.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { HostSetupError } from '../errors.ts';
import type { ProgrammingModel } from './core.ts';

/** By this header the worker knows to which invocation a request belongs. */
export const INVOCATION_ID = 'x-ms-invocation-id';
const LOOPBACK = '127.0.0.1';

/** The worker's own HTTP server. */
export interface HttpProxy {
  readonly hostname: string;
  readonly port: number;
  /** Lets one request in. All others are turned away: the library would keep them for ever. */
  expect(invocationId: string): void;
  close(): Promise<void>;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Asks the app for its capabilities, once; where HTTP streaming is one of them, its server is open then. */
export async function openHttpProxy(model: ProgrammingModel): Promise<HttpProxy | undefined> {
  const { asked, server } = onLoopback(() => model.getCapabilities({}));
  const { HttpUri } = (await asked) as { HttpUri?: string };
  if (!HttpUri) return undefined;
  const address = server?.address();
  if (!server || !address || typeof address === 'string')
    throw new HostSetupError(`the app says that it takes requests at ${HttpUri}, but it opened no server`);
  const expected = new Set<string>();
  const [take] = server.listeners('request') as Listener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (expected.delete(String(request.headers[INVOCATION_ID]))) take(request, response);
    else response.writeHead(404, { connection: 'close' }).end();
  });
  return {
    hostname: LOOPBACK,
    port: address.port,
    expect: (invocationId) => void expected.add(invocationId),
    close: () => close(server),
  };
}

/** The library's server listens at every address of the machine, which is fine in a container alone. */
function onLoopback<T>(open: () => T): { asked: T; server: Server | undefined } {
  const { listen } = Server.prototype;
  let server: Server | undefined;
  Server.prototype.listen = function (this: Server, listening: () => void) {
    server = this;
    return listen.apply(this, [0, LOOPBACK, listening] as never);
  } as typeof listen;
  try {
    return { asked: open(), server };
  } finally {
    Server.prototype.listen = listen;
  }
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  (server as Server & { closeAllConnections?(): void }).closeAllConnections?.();
  await closed;
}
