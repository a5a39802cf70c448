import dns from 'node:dns';
import { Dispatcher, fetch } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseAllowedHosts } from '../../../src/pipeline/callback/allowed-hosts.ts';
import { BLOCKED_PORTS } from '../../../src/pipeline/callback/blocked-ports.ts';
import { callbackUrlFault, resolvedAddressFault } from '../../../src/pipeline/callback/callback-address.ts';

const NOBODY = parseAllowedHosts('');
const LOCAL = parseAllowedHosts('localhost, *.localhost, 127.0.0.0/8, ::1');

/** Lets names resolve as a test says, without anybody being asked. */
function resolveTo(addresses: readonly string[] | Error): void {
  const answer = (_: string, __: object, done: (error: Error | null, found?: object[]) => void) =>
    addresses instanceof Error
      ? done(addresses)
      : done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
  vi.spyOn(dns, 'lookup').mockImplementation(answer as never);
}
afterEach(() => vi.restoreAllMocks());

describe('an address as it is written', () => {
  it.each([
    'https://example.com/done',
    'http://example.com:8080/done?token=x#y',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]:8443/',
    'https://xn--bcher-kva.example/',
    'https://user.example/@b',
  ])('%s may be called', (url) => expect(callbackUrlFault(url, NOBODY)).toBeUndefined());

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://0177.0x0.1/',
    'http://127.0.0.1./',
    'http://１２７.０.０.１/',
    'http://①②⑦.0.0.1/',
    'http://127%2e0.0.1/',
    'http://0/',
    'http://0.0.0.0:8080/',
    'http://10.0.0.1/',
    'http://167772161/',
    'http://172.16.5.4/',
    'http://192.168.0.1/',
    'http://0xC0A80001/',
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/',
    'http://168.63.129.16/',
    'http://100.64.0.1/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[64:ff9b:1::127.0.0.1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001:0:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://[fec0::1]/',
    'http://[ff02::1]/',
    'http://255.255.255.255/',
  ])('%s is not public', (url) => {
    expect(callbackUrlFault(url, NOBODY)).toMatch(/is not public: callbacks go to public addresses/);
  });

  it.each([
    ['ftp://example.com/', /http\(s\)/],
    ['file:///etc/passwd', /http\(s\)/],
    ['example.com', /http\(s\)/],
    ['http://', /http\(s\)/],
    ['http://1.2.3.4.5/', /http\(s\)/],
    ['https://user@example.com/', /without user and password/],
    ['https://user:secret@example.com/', /without user and password/],
    ['https://:secret@example.com/', /without user and password/],
    ['https://example.com:22/', /port 22/],
    ['http://example.com:6667/', /port 6667/],
    ['http://example.com:0/', /port 0/],
    ['http://example.com:70000/', /http\(s\)/],
  ])('%s is refused', (url, fault) => {
    expect(callbackUrlFault(url, NOBODY)).toMatch(fault);
    expect(callbackUrlFault(url, NOBODY)).not.toContain('secret');
  });

  it.each(['http://127.0.0.1:8080/', 'http://127.9/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/'])(
    '%s may be called where loopback is allowed',
    (url) => expect(callbackUrlFault(url, LOCAL)).toBeUndefined(),
  );

  it.each(['http://10.0.0.1/', 'http://user:x@127.0.0.1/', 'http://127.0.0.1:25/', 'http://[::2]/'])(
    '%s may not, there either',
    (url) => expect(callbackUrlFault(url, LOCAL)).toBeDefined(),
  );
});

describe('what a name resolves to', () => {
  const fault = (url: string, allowed = NOBODY) => resolvedAddressFault(url, allowed);

  it.each([
    ['10.0.0.1'],
    ['8.8.8.8', '127.0.0.1'],
    ['2606:4700::1', 'fd00::1'],
    ['169.254.169.254'],
    ['::ffff:10.1.1.1'],
  ])('%s: refused', async (...addresses) => {
    resolveTo(addresses);
    expect(await fault('https://example.com/?token=secret')).toMatch(
      /^'example.com' leads to an address that is not public/,
    );
  });

  it.each(['localhost', 'x.localhost'])('%s is refused by that, unless it is allowed', async (name) => {
    resolveTo(['127.0.0.1', '::1']);
    expect(await fault(`http://${name}:8080/`)).toMatch(/not public/);
    expect(await fault(`http://${name}:8080/`, LOCAL)).toBeUndefined();
  });

  it('is right where all of it is public or in an allowed range', async () => {
    resolveTo(['8.8.8.8', '2606:4700::1']);
    expect(await fault('https://example.com/')).toBeUndefined();
    resolveTo(['10.1.2.3', '8.8.8.8']);
    expect(await fault('https://example.com/', parseAllowedHosts('10.1.0.0/16'))).toBeUndefined();
  });

  it('does not matter where the name is allowed, and is not asked for', async () => {
    resolveTo(['10.1.2.3']);
    expect(await fault('https://api.internal/', parseAllowedHosts('api.internal'))).toBeUndefined();
    expect(dns.lookup).not.toHaveBeenCalled();
  });

  it('is left to the delivery where it is not known now', async () => {
    resolveTo(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }));
    expect(await fault('https://example.com/')).toBeUndefined();
    vi.mocked(dns.lookup).mockImplementation((() => {}) as never);
    vi.useFakeTimers();
    const slow = fault('https://example.com/');
    await vi.advanceTimersByTimeAsync(2000);
    vi.useRealTimers();
    expect(await slow).toBeUndefined();
  });
});

it('the blocked ports are those that fetch refuses', async () => {
  class Nowhere extends Dispatcher {
    override dispatch(): never {
      throw new Error('nobody is asked');
    }
  }
  const dispatcher = new Nowhere();
  const refused: number[] = [];
  // Above the highest of them, every so many are tried: each one takes its time.
  const highest = Math.max(...BLOCKED_PORTS);
  for (let port = 0; port < 2 ** 16; port += port > highest ? 101 : 1) {
    const error = await fetch(`http://127.0.0.1:${port}/`, { dispatcher }).catch((thrown: Error) => thrown);
    if (((error as Error).cause as Error).message === 'bad port') refused.push(port);
  }
  // Port 0 is nobody's: a connection to it means no port at all.
  expect([...BLOCKED_PORTS].filter(Boolean)).toEqual(refused.filter(Boolean));
});
