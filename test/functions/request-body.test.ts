import { HttpRequest } from '@azure/functions';
import { expect, it } from 'vitest';
import { readJsonBody } from '../../src/functions/request-body.ts';

it('a body that comes too slowly is given up, with what has come of it', async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"audio')),
  });
  const request = { body, headers: new Headers() } as unknown as HttpRequest;
  await expect(readJsonBody(request, 30)).rejects.toMatchObject({
    code: 'request_timeout',
    message: 'body: expected all of it within 0.03 s, got 7 bytes. Send it again.',
  });
});

it('a body that comes with the invocation, as without streaming, is read too', async () => {
  const request = new HttpRequest({ method: 'POST', url: 'http://here/', body: { string: '{"a": 1}' } });
  expect(await readJsonBody(request)).toEqual({ a: 1 });
  await expect(readJsonBody(new HttpRequest({ method: 'POST', url: 'http://here/' }))).rejects.toThrowError(
    'got nothing',
  );
});
