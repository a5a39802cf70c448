import dns from 'node:dns';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseAllowedHosts } from '../../../src/pipeline/callback/allowed-hosts.ts';
import { resolvedAddressFault } from '../../../src/pipeline/callback/callback-address.ts';
import { postCallback } from '../../../src/pipeline/callback/post.ts';
import type { WorkerError } from '../../../src/pipeline/errors.ts';

const SECRETS = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];
const FAILED = {
  audio_file_id: 'song',
  status: 'failed',
  processing_time_seconds: 1,
  error: { code: 'too_long', message: 'Too long.', stage: 'download' },
} as const;
const OPTIONS = {
  messageId: 'msg_1',
  secrets: SECRETS,
  timeoutMs: 500,
  allowedHosts: parseAllowedHosts('127.0.0.0/8'),
};
const NOBODY = parseAllowedHosts('');

let server: Server;
afterEach(() => {
  vi.restoreAllMocks();
  server?.close();
});

async function receiver(
  status: number,
  headers = {},
): Promise<{ url: string; received: { request: IncomingMessage; body: string }[] }> {
  const received: { request: IncomingMessage; body: string }[] = [];
  server = createServer(async (request, answer) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ request, body });
    if (status) answer.writeHead(status, headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

describe('the callback', () => {
  it('is posted with a signature that each secret verifies', async () => {
    const { url, received } = await receiver(204);
    await postCallback(url, FAILED, OPTIONS);
    const { request, body } = received[0];
    expect(JSON.parse(body)).toEqual(FAILED);
    for (const secret of SECRETS) {
      expect(new Webhook(secret).verify(body, request.headers as Record<string, string>)).toEqual(FAILED);
    }
    expect(() =>
      new Webhook(SECRETS[0]).verify(`${body} `, request.headers as Record<string, string>),
    ).toThrow();
  });

  it.each([500, 404])('counts an answer of %d as failed', async (status) => {
    const { url } = await receiver(status);
    await expect(postCallback(url, FAILED, OPTIONS)).rejects.toMatchObject({ code: 'callback_failed' });
  });

  it('does not follow a redirect', async () => {
    const { url, received } = await receiver(302, { location: '/elsewhere' });
    await expect(postCallback(url, FAILED, OPTIONS)).rejects.toMatchObject({ code: 'callback_failed' });
    expect(received).toHaveLength(1);
  });

  it('gives up on a receiver that does not answer', async () => {
    const { url } = await receiver(0);
    await expect(postCallback(url, FAILED, OPTIONS)).rejects.toMatchObject({ code: 'callback_failed' });
    server.closeAllConnections();
  });

  it('ends with 410', async () => {
    const { url } = await receiver(410);
    await expect(postCallback(url, FAILED, OPTIONS)).rejects.toMatchObject({ code: 'callback_gone' });
  });

  it.each([
    ['120', 120_000],
    [undefined, undefined],
  ])('tells that the receiver asks for time: Retry-After %j', async (header, retryAfterMs) => {
    for (const status of [429, 503]) {
      const { url } = await receiver(status, header === undefined ? {} : { 'retry-after': header });
      const error = await postCallback(url, FAILED, OPTIONS).catch(
        (thrown: unknown) => thrown as WorkerError,
      );
      expect(error).toMatchObject({ code: 'callback_failed', retryAfterMs });
      server.close();
    }
  });

  it('tells nothing of its address but the origin', async () => {
    const { url } = await receiver(500);
    const { message } = await postCallback(`${url}/path?token=secret#x`, FAILED, OPTIONS).catch((e) => e);
    expect(message).toContain(new URL(url).origin);
    expect(message).not.toMatch(/secret|path/);
  });
});

describe('a callback to an address that is not allowed', () => {
  /** Lets a name resolve to one address after the other, without anybody being asked. */
  function resolveTo(...addresses: string[]) {
    return vi
      .spyOn(dns, 'lookup')
      .mockImplementation(((_: string, __: object, done: (...found: unknown[]) => void) =>
        done(null, [{ address: addresses.shift() ?? '127.0.0.1', family: 4 }])) as never);
  }
  const refused = { code: 'callback_refused' };

  it('is not sent where the address says so', async () => {
    const { url, received } = await receiver(204);
    await expect(postCallback(url, FAILED, { ...OPTIONS, allowedHosts: NOBODY })).rejects.toMatchObject(
      refused,
    );
    expect(received).toEqual([]);
  });

  it('is not connected where the name leads there', async () => {
    const { url, received } = await receiver(204);
    resolveTo('127.0.0.1');
    const named = url.replace('127.0.0.1', 'rebound.example');
    await expect(postCallback(named, FAILED, { ...OPTIONS, allowedHosts: NOBODY })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining("'rebound.example' leads to an address"),
    });
    expect(received).toEqual([]);
  });

  it('is not connected where the name has led to an allowed one when it was checked', async () => {
    const { url, received } = await receiver(204);
    const named = url.replace('127.0.0.1', 'rebound.example');
    // Of loopback too, so that nothing leaves this machine where the code is broken.
    const allowedHosts = parseAllowedHosts('127.0.0.2');
    const lookup = resolveTo('127.0.0.2', '127.0.0.1');
    expect(await resolvedAddressFault(named, allowedHosts)).toBeUndefined();
    await expect(postCallback(named, FAILED, { ...OPTIONS, allowedHosts })).rejects.toMatchObject(refused);
    expect(lookup).toHaveBeenCalledTimes(2);
    expect(received).toEqual([]);
  });

  it('goes to the very address that was looked at', async () => {
    const { url, received } = await receiver(204);
    const lookup = resolveTo('127.0.0.1', '127.0.0.2');
    await postCallback(url.replace('127.0.0.1', 'api.example'), FAILED, OPTIONS);
    expect(lookup).toHaveBeenCalledTimes(1);
    expect(received[0].request.headers.host).toMatch(/^api\.example:/);
  });

  it('is sent where its name is allowed', async () => {
    const { url, received } = await receiver(204);
    resolveTo('127.0.0.1');
    const allowedHosts = parseAllowedHosts('*.internal');
    await postCallback(url.replace('127.0.0.1', 'api.internal'), FAILED, { ...OPTIONS, allowedHosts });
    expect(received).toHaveLength(1);
  });

  it('is looked up anew each time: no connection is kept', async () => {
    const { url, received } = await receiver(204);
    const lookup = resolveTo('127.0.0.1', '127.0.0.1');
    const named = url.replace('127.0.0.1', 'api.example');
    for (let i = 0; i < 2; i++) await postCallback(named, FAILED, OPTIONS);
    expect([lookup.mock.calls.length, received.length]).toEqual([2, 2]);
  });
});
