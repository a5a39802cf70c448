import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { postCallback } from '../../../src/pipeline/callback/post.ts';

const SECRETS = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];
const FAILED = {
  audio_file_id: 'song',
  status: 'failed',
  processing_time_seconds: 1,
  error: { code: 'too_long', message: 'Too long.', stage: 'download' },
} as const;
const OPTIONS = { messageId: 'msg_1', secrets: SECRETS, timeoutMs: 500 };

let server: Server;
afterEach(() => server.close());

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
});
