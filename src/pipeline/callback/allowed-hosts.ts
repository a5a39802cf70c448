/** Which addresses callbacks may go to: public ones, and what `CALLBACK_ALLOWED_HOSTS` names beside them. */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** What callbacks may go to beside public addresses. */
export interface AllowedHosts {
  /** Names of hosts in lower case; `*.example.com` stands for all below `example.com`. */
  readonly names: readonly string[];
  /** Ranges of addresses in CIDR notation. */
  readonly ranges: readonly string[];
}

/** Of IPv6, the part that is given out for the public internet. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');
/** Azure answers its virtual machines on it, as other clouds do on link-local addresses. */
const AZURE_PLATFORM = ipaddr.parseCIDR('168.63.129.16/32');
/** Parts of an IPv6 address that holds one of IPv4 to tunnel to (RFC 5214), in the sixth place and before. */
const ISATAP = 0x5efe;
const ISATAP_GLOBAL = 0x0200;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** Reads entries that commas or spaces separate. @throws Error that names the entry which is none */
export function parseAllowedHosts(text: string): AllowedHosts {
  const names: string[] = [];
  const ranges: string[] = [];
  for (const entry of text.split(/[\s,]+/).filter(Boolean)) {
    const range = rangeOf(entry);
    const name = asciiName(entry);
    if (range) ranges.push(range);
    else if (name) names.push(name);
    else
      throw new Error(
        `expected names of hosts, patterns such as *.example.com, addresses or ranges such as 10.0.0.0/8, without scheme, port and path; got '${entry}'`,
      );
  }
  return { names, ranges };
}

/** An address or range in CIDR notation; undefined where it is none. */
function rangeOf(entry: string): string | undefined {
  const bare = entry.replace(/^\[(.*)\]$/, '$1');
  if (isAddress(bare)) {
    const address = parseAddress(bare);
    return `${address}/${address.kind() === 'ipv4' ? 32 : 128}`;
  }
  const [base] = bare.split('/');
  return isAddress(base) && ipaddr.isValidCIDR(bare) ? bare : undefined;
}

/** Whether a text is an address as people write it: none of the short forms of IPv4, no zone of this machine (`%eth0`). */
const isAddress = (text: string): boolean => isIPv4(text) || (isIPv6(text) && !text.includes('%'));

/** A name as it stands in the host of a URL; undefined where it is none. */
function asciiName(entry: string): string | undefined {
  const [, wildcard = '', host] = /^(\*\.)?(.+?)\.?$/.exec(entry)!;
  if (/[:/?#@\\[\]%]/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  const { hostname } = new URL(`http://${host}`);
  return HOST_NAME.test(hostname) && !isAddress(hostname) ? `${wildcard}${hostname}` : undefined;
}

/** Whether a host is allowed by its name, whatever it resolves to. */
export function isAllowedName(host: string, { names }: AllowedHosts): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return names.some((allowed) =>
    allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed,
  );
}

/** Whether a callback may be sent to an address: it is public, or in an allowed range. */
export function isAllowedAddress(text: string, { ranges }: AllowedHosts): boolean {
  if (!isAddress(text)) return false;
  const address = parseAddress(text);
  return isPublic(address) || ranges.some((range) => isWithin(address, ipaddr.parseCIDR(range)));
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || isWithin(address, AZURE_PLATFORM)) return false;
  if (address instanceof ipaddr.IPv4) return true;
  const [, , , , fifth, sixth] = address.parts;
  return isWithin(address, GLOBAL_UNICAST) && !(sixth === ISATAP && (fifth === 0 || fifth === ISATAP_GLOBAL));
}

/** IPv4 that is mapped into IPv6 (`::ffff:a.b.c.d`) is connected to as IPv4, and is taken for it. */
function parseAddress(text: string): Address {
  // The library takes `::a.b.c.d` for mapped too; what URLs write instead it takes for what it is.
  return ipaddr.process(text.includes(':') ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text);
}

const isWithin = (address: Address, [base, bits]: Range): boolean =>
  address.kind() === base.kind() && address.match(base as never, bits);
