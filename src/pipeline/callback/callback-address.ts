/** Whether a callback may go to an address: by what it says, and by what its name resolves to. */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { WorkerError } from '../errors.ts';
import { type AllowedHosts, isAllowedAddress, isAllowedName } from './allowed-hosts.ts';
import { BLOCKED_PORTS } from './blocked-ports.ts';

/** Time that the check of a request waits for a name to be resolved. */
const RESOLVE_LIMIT_MS = 2_000;

const NOT_ALLOWED = 'callbacks go to public addresses, and to those that CALLBACK_ALLOWED_HOSTS names';

/** What is wrong with an address as it is written, in words; undefined where nothing is. Nothing secret of it is told. */
export function callbackUrlFault(text: string, allowed: AllowedHosts): string | undefined {
  if (!URL.canParse(text)) return 'expected an http(s) address';
  const { protocol, username, password, port, hostname, host } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return 'expected an http(s) address';
  if (username || password)
    return 'expected an address without user and password; the signature tells who sends it';
  if (port && BLOCKED_PORTS.has(Number(port)))
    return `the port ${port} belongs to another protocol and is never called; take another one`;
  const literal = literalAddress(hostname);
  return literal && !isAllowedAddress(literal, allowed)
    ? `'${host}' is not public: ${NOT_ALLOWED}`
    : undefined;
}

/**
 * What is wrong with the addresses that a name resolves to now, in words; undefined where nothing is, or where they can't be
 * known: the delivery looks again.
 */
export async function resolvedAddressFault(text: string, allowed: AllowedHosts): Promise<string | undefined> {
  const { hostname } = new URL(text);
  if (literalAddress(hostname) || isAllowedName(hostname, allowed)) return undefined;
  const { promise, resolve } = Promise.withResolvers<readonly dns.LookupAddress[]>();
  const timer = setTimeout(resolve, RESOLVE_LIMIT_MS, []);
  dns.lookup(hostname, { all: true }, (_, addresses) => resolve(addresses ?? []));
  const addresses = await promise.finally(() => clearTimeout(timer));
  return addressesFault(hostname, addresses, allowed);
}

/**
 * The lookup of a connection that a callback is posted by. What it gives is what is connected to, so that a name which
 * changes after it was checked gains nothing.
 */
export function callbackLookup(allowed: AllowedHosts): LookupFunction {
  return (hostname, options, done) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '');
      const fault = isAllowedName(hostname, allowed)
        ? undefined
        : addressesFault(hostname, addresses, allowed);
      if (fault) return done(new WorkerError('callback_refused', `The callback is not sent: ${fault}.`), '');
      if (options.all) return done(null, addresses);
      const [{ address, family }] = addresses;
      done(null, address, family);
    });
  };
}

/** One address that is not allowed is enough: which of them is connected to depends on the moment. */
function addressesFault(
  hostname: string,
  addresses: readonly dns.LookupAddress[],
  allowed: AllowedHosts,
): string | undefined {
  const areAllowed = addresses.every(({ address }) => isAllowedAddress(address, allowed));
  // Not to which: whoever asks may not be meant to know this network's names.
  return areAllowed ? undefined : `'${hostname}' leads to an address that is not public: ${NOT_ALLOWED}`;
}

/** The address that stands in a URL in place of a name; undefined for a name. */
function literalAddress(hostname: string): string | undefined {
  if (hostname.startsWith('[')) return hostname.slice(1, -1);
  // Whatever ends in a number has been read as IPv4 by the URL's parser.
  return /(?:^|\.)\d+\.?$/.test(hostname) ? hostname : undefined;
}
