import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type App, loadApp } from '../../../src/local/worker/app.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/host-app');

describe('the app loader', () => {
  let app: App;
  beforeAll(async () => {
    await expect(loadApp(import.meta.dirname, () => {})).rejects.toThrowError();
    app = await loadApp(FIXTURE, () => {}, 200);
  });

  it('knows the functions that the modules of "main" register', () => {
    expect([...app.functions.keys()]).toEqual([
      'echo',
      'files',
      'mirror',
      'status',
      'seenHeaders',
      'forgetful',
      'broken',
      'slow',
      'seen',
      'onBlob',
      'onReference',
    ]);
    expect(app.functions.get('onBlob')!.trigger).toMatchObject({
      type: 'blobTrigger',
      path: '%WATCHED%/{folder}/{name}.txt',
    });
  });

  it('calls a function with its input and gives what it returns', async () => {
    const { name } = app.functions.get('echo')!.trigger;
    const request = {
      method: 'POST',
      url: 'http://here/?q=1&q=2',
      headers: {},
      query: {},
      params: { id: '7' },
      body: { string: 'hi' },
    };
    const { returnValue, outputData } = await app.invoke('echo', [{ name, data: { http: request } }]);
    const http = (returnValue ?? outputData[0].data).http as {
      statusCode: string;
      body: { bytes?: Uint8Array };
    };
    expect(http.statusCode).toBe('201');
  });

  it("throws a function's own error", async () => {
    const { name } = app.functions.get('broken')!.trigger;
    const request = { method: 'GET', url: 'http://here/', headers: {}, query: {}, params: {} };
    await expect(app.invoke('broken', [{ name, data: { http: request } }])).rejects.toThrowError(
      'as the test wants',
    );
  });

  it('fails an invocation that takes longer than the functionTimeout', async () => {
    const { name } = app.functions.get('slow')!.trigger;
    const request = { method: 'GET', url: 'http://here/', headers: {}, query: {}, params: {} };
    await expect(app.invoke('slow', [{ name, data: { http: request } }])).rejects.toThrowError(
      'slow took longer than the functionTimeout of 0.2 s',
    );
  });

  it('loads one app per process', async () => {
    await expect(loadApp(FIXTURE, () => {})).rejects.toThrowError(/already/);
  });
});
