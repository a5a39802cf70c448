import { describe, expect, it } from 'vitest';
import {
  isAllowedAddress,
  isAllowedName,
  parseAllowedHosts,
} from '../../../src/pipeline/callback/allowed-hosts.ts';

const NOBODY = parseAllowedHosts('');

describe('without exceptions', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.215.14',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '192.167.255.255',
    '192.169.0.1',
    '168.63.129.15',
    '223.255.255.254',
    '::ffff:8.8.8.8',
    '2606:4700:4700::1111',
    '2a00:1450:4001:830::200e',
  ])('%s is public', (address) => expect(isAllowedAddress(address, NOBODY)).toBe(true));

  it.each([
    [
      'loopback',
      ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:1'],
    ],
    ['this host', ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0']],
    [
      'private',
      ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '::ffff:10.0.0.1', 'fd00::1', 'fc00::1'],
    ],
    ['link-local', ['169.254.1.1', 'fe80::1', 'febf::1', '::ffff:169.254.1.1']],
    [
      'metadata',
      ['169.254.169.254', '168.63.129.16', 'fd00:ec2::254', '::ffff:168.63.129.16', '100.100.100.200'],
    ],
    ['carrier-grade NAT', ['100.64.0.1', '100.127.255.255']],
    [
      'IPv4 within IPv6',
      [
        '64:ff9b::7f00:1',
        '64:ff9b::8.8.8.8',
        '64:ff9b:1::a00:1',
        '2002:7f00:1::',
        '2002:808:808::1',
        '2001:0:4136:e378:8000:63bf:3fff:fdd2',
        '::127.0.0.1',
        '::8.8.8.8',
        '2001:470:1f0b::5efe:10.0.0.1',
        '2001:470:1f0b::200:5efe:808:808',
        'fe80::1%eth0',
        '::ffff:0:127.0.0.1',
      ],
    ],
    [
      'of documentation and benchmarks',
      ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1', '3fff::1'],
    ],
    [
      'multicast, broadcast and reserved',
      [
        '224.0.0.1',
        '239.255.255.255',
        '240.0.0.1',
        '255.255.255.255',
        '192.0.0.8',
        '192.88.99.1',
        'ff02::1',
        'fec0::1',
        '100::1',
        '4000::1',
        'e000::1',
        '2001:20::1',
      ],
    ],
    ['no address at all', ['', 'localhost', '8.8.8', '8.8.8.8.8', '1.2.3.4/8']],
  ])('%s: none is', (_, addresses) => {
    for (const address of addresses) expect(isAllowedAddress(address, NOBODY), address).toBe(false);
  });
});

describe('CALLBACK_ALLOWED_HOSTS', () => {
  it.each([
    ['127.0.0.0/8', '127.9.9.9', '126.0.0.1'.replace('126', '10')],
    ['10.1.0.0/16, fd00::/8', '10.1.255.1', '10.2.0.1'],
    ['10.1.0.0/16 fd00::/8', 'fd12::1', 'fc00::1'],
    ['10.0.0.5', '10.0.0.5', '10.0.0.6'],
    ['[::1]', '::1', '127.0.0.1'],
    ['::ffff:10.0.0.5', '10.0.0.5', '10.0.0.6'],
    ['10.0.0.5', '::ffff:10.0.0.5', '::ffff:10.0.0.6'],
    ['64:ff9b::/96', '64:ff9b::a00:1', '64:ff9b:1::1'],
  ])('%s: %s is allowed, %s is not', (setting, allowed, forbidden) => {
    const hosts = parseAllowedHosts(setting);
    expect(isAllowedAddress(allowed, hosts)).toBe(true);
    expect(isAllowedAddress(forbidden, hosts)).toBe(false);
  });

  it.each([
    [
      'api.internal',
      ['api.internal', 'API.internal', 'api.internal.'],
      ['internal', 'x.api.internal', 'api.internal.evil.example'],
    ],
    [
      '*.corp.example',
      ['a.corp.example', 'a.b.corp.example'],
      ['corp.example', 'xcorp.example', 'a.corp.example.evil.example'],
    ],
    ['localhost,Host_1', ['localhost', 'host_1'], ['localhost.example', 'host-1']],
    ['bücher.example', ['xn--bcher-kva.example'], ['bucher.example']],
  ])('%s: allows %j and not %j', (setting, allowed, forbidden) => {
    const hosts = parseAllowedHosts(setting);
    for (const host of allowed) expect(isAllowedName(host, hosts), host).toBe(true);
    for (const host of forbidden) expect(isAllowedName(host, hosts), host).toBe(false);
  });

  it.each([
    '*',
    '*.',
    'a.*',
    '*.*.b',
    'http://a',
    'a:80',
    'a/b',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    'fd00::/x',
    '10.1',
    'a@b',
    '-',
    'a..b',
    '0x7f.1',
  ])('%s is no entry, and named', (entry) =>
    expect(() => parseAllowedHosts(`api.internal, ${entry}`)).toThrow(`got '${entry}'`),
  );
});
