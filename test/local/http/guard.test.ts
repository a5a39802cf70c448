import type { IncomingMessage } from 'node:http';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { guardOf } from '../../../src/local/http/guard.ts';

type Headers = Record<string, string>;
const HOST = { host: 'localhost:7071' };

function judge(headers: Headers, hostname = '127.0.0.1', further: string[] = []) {
  const headersDistinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const refusal = guardOf(hostname, further)({ headers, headersDistinct } as unknown as IncomingMessage);
  if (!refusal) return 'passes';
  const { code, detail } = JSON.parse(refusal.body.toString());
  expect(detail).toMatch(/[a-z]{3,}.*got '/);
  return `${refusal.status} ${code}`;
}

describe('a worker on this machine alone', () => {
  it.each([
    'localhost:7071',
    'LOCALHOST',
    'localhost.:7071',
    'worker.localhost:7071',
    '127.0.0.1:7071',
    '127.8.8.8',
    '[::1]:7071',
    'localhost:8080',
  ])('is reached as %s', (host) => expect(judge({ host })).toBe('passes'));

  it.each([
    'evil.example:7071',
    'localhost.evil.example',
    'evil-localhost',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    'evil.example#localhost',
    'evil.example/localhost',
    '0.0.0.0:7071',
    '192.168.1.7:7071',
    '[fe80::1]:7071',
    '[::ffff:10.0.0.1]',
    '',
    'localhost:port',
  ])('is not reached as %j', (host) => expect(judge({ host })).toBe('421 foreign_host'));

  it.each([
    ['its own page', { ...HOST, origin: 'http://localhost:7071' }],
    [
      'its own page that a browser tells of',
      { ...HOST, origin: 'http://localhost:7071', 'sec-fetch-site': 'same-origin' },
    ],
    ['an address typed in', { ...HOST, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['a link elsewhere', { ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    ['a program', HOST],
  ])('is for %s', (_, headers) => expect(judge(headers)).toBe('passes'));

  it.each([
    ['another site', { ...HOST, origin: 'https://evil.example' }],
    ['another port of this machine', { ...HOST, origin: 'http://localhost:3000' }],
    ['another name of this machine', { ...HOST, origin: 'http://127.0.0.1:7071' }],
    ['the same place by another protocol', { ...HOST, origin: 'https://localhost:7071' }],
    ['a page of no origin, as a sandboxed frame or a file', { ...HOST, origin: 'null' }],
    ['nonsense', { ...HOST, origin: 'localhost:7071' }],
    ['a name that leads here', { host: 'evil.example:7071', origin: 'http://evil.example:7071' }],
    [
      'an image in a page elsewhere',
      { ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    ],
    [
      'a script in a page on another port',
      { ...HOST, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
    ],
  ])('is not for %s', (_, headers) =>
    expect(judge(headers)).toMatch(/^(403 foreign_origin|421 foreign_host)$/),
  );
});

describe('a worker that was opened', () => {
  it('is reached by the address it listens on, and by names that a setting gives', () => {
    expect(judge({ host: '10.1.2.3:7071' }, '10.1.2.3')).toBe('passes');
    expect(judge({ host: 'Worker:7071' }, '0.0.0.0', ['worker', '[fd00::1]'])).toBe('passes');
    expect(judge({ host: '[fd00::1]:7071' }, '0.0.0.0', ['worker', '[fd00::1]'])).toBe('passes');
    expect(judge({ host: 'evil.example' }, '0.0.0.0', ['worker'])).toBe('421 foreign_host');
  });

  it('is reached by every address of the machine where it listens on them all', () => {
    const [{ address }] = Object.values(networkInterfaces()).flatMap((list = []) => list);
    expect(judge({ host: address.includes(':') ? `[${address}]` : address }, '0.0.0.0')).toBe('passes');
    expect(judge({ host: '203.0.113.9' }, '::')).toBe('421 foreign_host');
  });
});
