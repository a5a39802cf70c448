/**
 * Nobody is asked for a key here, so a page in a browser of this machine must not reach the worker: not under a name of its
 * own that leads here (`Host`), nor from elsewhere (`Origin`).
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname as machineName, networkInterfaces } from 'node:os';
import { problemAnswer } from './problem.ts';
import type { HttpAnswer } from './rpc.ts';

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Refuses a request, or lets it pass. */
export type Guard = (request: IncomingMessage) => HttpAnswer | undefined;

/**
 * Lets requests pass that are for this machine by a name of its own, from programs or from pages of the worker's own.
 *
 * @param hostname what the server listens on
 * @param further names that lead here besides, without ports
 */
export function guardOf(hostname: string, further: readonly string[] = []): Guard {
  const known = new Set([hostname, ...further].map(plainName));
  if (ANY_ADDRESS.has(hostname)) for (const name of namesOfMachine()) known.add(name);
  return (request) => {
    // Of several, each reader may take another.
    const host = request.headersDistinct.host?.join() ?? '';
    const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers;
    const name = nameOf(host);
    if (name === undefined || !(isLoopback(name) || known.has(name)))
      return problemAnswer(
        421,
        'foreign_host',
        `Host: expected a name of this machine, such as localhost; got '${host}'. ALLOWED_HOSTS names further ones.`,
      );
    const foreign = origin === undefined ? isForeign(site, mode) : !isOwn(origin, host);
    return foreign
      ? problemAnswer(
          403,
          'foreign_origin',
          `Origin: pages of other sites may not use this worker; got '${origin ?? site}'.`,
        )
      : undefined;
  };
}

/** Names as an address has them: lower case, no dot at the end, IPv6 without brackets. */
const plainName = (name: string) =>
  name
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

/** The name in a `Host` header; undefined where that is malformed. */
function nameOf(host: string): string | undefined {
  const url = /^[^\s/?#@\\]+$/.test(host) ? URL.parse(`http://${host}`) : null;
  return url ? plainName(url.hostname) : undefined;
}

/** `localhost` and names below it never leave the machine; a rebound name is never an address. */
const isLoopback = (name: string) =>
  name === 'localhost' ||
  name.endsWith('.localhost') ||
  name === '::1' ||
  (isIP(name) === 4 && name.startsWith('127.'));

const isOwn = (origin: string, host: string) =>
  URL.parse(origin)?.origin === URL.parse(`http://${host}`)?.origin;

/** A browser names no origin when a page elsewhere loads something as an image or a script; following a link is fine. */
const isForeign = (site: string | string[] | undefined, mode: string | string[] | undefined) =>
  (site === 'cross-site' || site === 'same-site') && mode !== 'navigate';

function namesOfMachine(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) =>
    list.map(({ address }) => address),
  );
  return [...addresses, machineName()].map(plainName);
}
