import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ContainerClient, ContainerSASPermissions } from '@azure/storage-blob';
import { random } from './random.ts';

/** An address of 127.0.0.1 that stands before a storage. */
export interface StorageProxy {
  readonly port: number;
  stop(): void;
}

/** One request that came to a proxy. */
interface Passage {
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
  /** Asks the storage, and passes on what it answers through `pass`. */
  forward(pass?: (reply: IncomingMessage) => void): void;
}

async function startProxy(port: number, handle: (passage: Passage) => void): Promise<StorageProxy> {
  const server = createServer((incoming, answer) => {
    const { method, headers, url = '' } = incoming;
    const whole = (reply: IncomingMessage) => {
      answer.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(answer);
    };
    handle({
      incoming,
      answer,
      forward: (pass = whole) => {
        const onward = request({ hostname: '127.0.0.1', port, method, headers, path: url }, pass);
        onward.on('error', () => answer.destroy());
        incoming.pipe(onward);
      },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A storage as somebody sees it who has certain rights only, with what was asked of it. */
export interface CountedStorage {
  readonly container: ContainerClient;
  /** Method and blob name of each request. */
  readonly requests: string[];
  stop(): void;
}

/** Lets a container be reached through an address that counts, with a token of `permissions` (`r` read, `l` list …). */
export async function countRequests(
  container: ContainerClient,
  permissions: string,
): Promise<CountedStorage> {
  const requests: string[] = [];
  const address = new URL(
    await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    }),
  );
  const { pathname } = address;
  const proxy = await startProxy(Number(address.port), ({ incoming: { method, url = '' }, forward }) => {
    requests.push(`${method} ${decodeURIComponent(url.split('?')[0].slice(pathname.length + 1))}`);
    forward();
  });
  address.port = `${proxy.port}`;
  return {
    container: new ContainerClient(address.href, undefined, { retryOptions: { maxTries: 1 } }),
    requests,
    stop: proxy.stop,
  };
}

const SERVER_BUSY =
  '<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>';

/** What a storage may do instead of answering as it should; `lost`: it does what it was asked and the answer is lost. */
export const FAULTS = ['unavailable', 'reset', 'stalled', 'lost', 'truncated', 'half-stalled'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultyStorage extends StorageProxy {
  /** Faults that came, in order. */
  readonly faults: Fault[];
  /** Share of the requests that meet one, 0 in the beginning. */
  rate: number;
}

/** A storage that somebody uses whose process can be ended at a certain request. */
export interface WatchedStorage extends StorageProxy {
  /** Method and path of the requests that changed something, since the last start. */
  readonly writes: string[];
  /** Lets as many requests change something as `last` says, or up to one like it. Its answer is lost, and nothing comes after. */
  start(last?: number | RegExp): void;
  /** Is waited for before a request that changes something is passed on; where it fails, the connection breaks. */
  before?: (write: string) => Promise<void>;
}

/** A proxy that counts what changes the storage, and ends where it is told to, as a process that is killed does. */
export async function watchStorage(port: number): Promise<WatchedStorage> {
  let last: number | RegExp = Number.POSITIVE_INFINITY;
  let isDead = false;
  const watched: Omit<WatchedStorage, keyof StorageProxy> = {
    writes: [],
    start: (until = Number.POSITIVE_INFINITY) => {
      watched.writes.length = 0;
      last = until;
      isDead = false;
    },
  };
  const proxy = await startProxy(port, async ({ incoming, answer, forward }) => {
    const { method, url = '' } = incoming;
    if (isDead) return incoming.socket.destroy();
    if (method !== 'PUT' && method !== 'DELETE') return forward();
    const write = `${method} ${decodeURIComponent(url)}`;
    watched.writes.push(write);
    const isLast = typeof last === 'number' ? watched.writes.length === last : last.test(write);
    isDead ||= isLast;
    try {
      await watched.before?.(write);
    } catch {
      return incoming.socket.destroy();
    }
    if (isLast) forward((reply) => reply.resume().on('end', () => answer.destroy()));
    else forward();
  });
  return Object.assign(watched, proxy);
}

interface FaultPlan {
  readonly seed: number;
  readonly kinds?: readonly Fault[];
  /** Which requests may meet a fault; all, where it is absent. */
  readonly meets?: (request: IncomingMessage) => boolean;
}

/** A proxy before a storage that fails at random, the same for the same seed and requests. */
export async function startFaultyStorage(
  port: number,
  { seed, kinds = FAULTS, meets = () => true }: FaultPlan,
): Promise<FaultyStorage> {
  const draw = random(seed);
  const faults: Fault[] = [];
  const state = { rate: 0 };
  const proxy = await startProxy(port, (passage) => {
    if (!meets(passage.incoming) || draw() >= state.rate) return passage.forward();
    const fault = kinds[Math.floor(draw() * kinds.length)];
    faults.push(fault);
    fail(fault, passage);
  });
  return Object.assign(state, { ...proxy, faults });
}

function fail(fault: Fault, passage: Passage): void {
  const { incoming, answer, forward } = passage;
  switch (fault) {
    case 'unavailable':
      incoming.resume();
      incoming.on('end', () => answer.writeHead(503, { 'content-type': 'application/xml' }).end(SERVER_BUSY));
      return;
    case 'reset':
      incoming.socket.resetAndDestroy();
      return;
    case 'stalled':
      incoming.resume(); // Nothing is answered, and the connection stays.
      return;
    case 'lost':
      forward((reply) => reply.resume().on('end', () => answer.destroy()));
      return;
    default:
      forward((reply) => {
        const parts: Buffer[] = [];
        reply.on('data', (part: Buffer) => parts.push(part));
        reply.on('end', () => {
          const body = Buffer.concat(parts);
          if (body.length === 0) return fail(fault === 'truncated' ? 'reset' : 'stalled', passage);
          answer.writeHead(reply.statusCode!, { ...reply.headers, 'content-length': body.length });
          answer.write(body.subarray(0, body.length / 2), () => {
            if (fault === 'truncated') answer.destroy();
          });
        });
      });
  }
}
