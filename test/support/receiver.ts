import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Delivery {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** When it came, in ms since 1970. */
  readonly at: number;
}

/** How a delivery is answered: a status with headers, the connection cut, or nothing at all. */
export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string> }
  | 'cut'
  | 'silence';

/** A receiver of callbacks. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Delivery[];
  /** What came for one path. */
  receivedAt(path: string): Delivery[];
}

/** Starts a receiver on 127.0.0.1. It takes everything, unless `answer` says otherwise for a path and the delivery's number, from 1. */
export async function startReceiver(
  answer: (path: string, delivery: number) => Answer = () => ({ status: 200 }),
): Promise<Receiver> {
  const received: Delivery[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const path = request.url!;
    received.push({ path, headers: request.headers as Record<string, string>, body, at: Date.now() });
    const how = answer(path, received.filter((one) => one.path === path).length);
    if (how === 'cut') request.socket.destroy();
    else if (how !== 'silence') response.writeHead(how.status, how.headers).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`,
    received,
    receivedAt: (path) => received.filter((one) => one.path === path),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
