import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DurableEngine } from '../../../src/local/durable/engine.ts';
import { managementApi } from '../../../src/local/durable/management.ts';
import type { Instance } from '../../../src/local/durable/store.ts';
import { loadApp } from '../../../src/local/worker/app.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/durable-app');
const API = 'http://127.0.0.1:7071/runtime/webhooks/durabletask';

let folder: string;
let engine: DurableEngine;
let counter = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'durable-'));
  const log = () => {};
  const app = await loadApp(FIXTURE, log);
  engine = new DurableEngine({
    app,
    database: join(folder, 'hub.sqlite'),
    hubName: 'test',
    maxConcurrentActivities: 4,
    log,
  });
  await engine.start('http://127.0.0.1:7071');
});
afterAll(async () => {
  await engine.stop(1000);
  rmSync(folder, { recursive: true });
});

const file = () => join(folder, `calls-${counter++}`);
const start = (name: string, input: unknown = null) =>
  engine.startNew(name, undefined, JSON.stringify(input));

async function ended(id: string): Promise<Instance & { result: unknown }> {
  for (;;) {
    const instance = engine.instance(id)!;
    if (!['Pending', 'Running', 'Suspended'].includes(instance.status)) {
      return { ...instance, result: JSON.parse(instance.output ?? 'null') };
    }
    await sleep(5);
  }
}
const run = (name: string, input?: unknown) => ended(start(name, input));
const call = async (method: string, path: string, body?: string) =>
  (await managementApi(engine)(new Request(`${API}/${path}`, { method, body })))!;

describe('orchestrations', { timeout: 20_000 }, () => {
  it('fan out and fan in', async () => {
    expect(await run('fan', 5)).toMatchObject({ status: 'Completed', result: 20 });
  });

  it('run two hundred activities', async () => {
    expect(await run('fan', 200)).toMatchObject({ status: 'Completed', result: 39_800 });
  });

  it('pass texts through unharmed', async () => {
    expect(await run('texts', '"42"')).toMatchObject({ result: 'hello hello "42"' });
  });

  it('retry until success, beside other tasks', async () => {
    const result = { calls: 3, after: 16 };
    expect(await run('retries', { file: file(), times: 3, attempts: 5 })).toMatchObject({
      status: 'Completed',
      result,
    });
  });

  it('retry until exhaustion and can go on from there', async () => {
    expect(await run('catches', { file: file(), attempts: 3 })).toMatchObject({ result: 'hello last' });
  });

  it('fail with the error of an activity', async () => {
    const { status, result } = await run('activityThrows');
    expect(status).toBe('Failed');
    expect(result).toContain("Activity function 'fail' failed: as the test wants");
  });

  it('fail with an error of their own', async () => {
    const { status, result } = await run('throws');
    expect(status).toBe('Failed');
    expect(result).toContain('from the orchestrator');
  });

  it('wait for timers', async () => {
    expect((await run('timer')).result).toBeGreaterThanOrEqual(150);
  });

  it('wait for an external event, or for no longer than a timer', async () => {
    const id = start('race', 60_000);
    await sleep(30);
    engine.raiseEvent(id, 'go', '"gone"');
    expect(await ended(id)).toMatchObject({ result: 'gone' });
    expect(await run('race', 30)).toMatchObject({ result: 'too late' });
  });

  it('go on waiting for what lost a race', async () => {
    const id = start('again', file());
    await sleep(30);
    engine.raiseEvent(id, 'go', '"gone"');
    expect(await ended(id)).toMatchObject({ status: 'Completed', result: [true, 's', 42, 'gone', 2] });
  });

  it('call other orchestrations and tell how they are', async () => {
    const id = start('parent', 3);
    const { result, customStatus } = await ended(id);
    expect(result).toMatchObject({ sum: 6, error: expect.stringContaining('from the orchestrator') });
    expect(JSON.parse(customStatus!)).toEqual({ at: 'child' });
  });

  it.each(['Cid', '7', '"quoted"', '', 7, null, { a: ['b'] }])('hand %j on to another one', async (input) => {
    const given = { input };
    expect(await run('handsOn', input)).toMatchObject({ status: 'Completed', result: [given, given] });
  });

  it('continue as new', async () => {
    expect(await run('counts', 3)).toMatchObject({ status: 'Completed', result: 'zero' });
  });

  it('fail when a replay takes another path', async () => {
    const { status, result } = await run('fickle');
    expect(status).toBe('Failed');
    expect(result).toContain("was 'CallActivity hello' and is 'CallActivity double'");
  });

  it('are told by name what is not supported', async () => {
    expect(await run('entity')).toMatchObject({
      status: 'Failed',
      result: expect.stringContaining('CallEntity'),
    });
  });
});

describe('the management endpoints', () => {
  it('start, tell, refuse a second run of the same id, and purge', async () => {
    const started = await call('POST', 'orchestrators/race/r1', '60000');
    expect(started.status).toBe(202);
    expect(await started.json()).toMatchObject({ id: 'r1' });
    expect((await call('POST', 'orchestrators/race/r1', '1')).status).toBe(409);
    expect((await call('DELETE', 'instances/r1')).status).toBe(404);
    expect((await call('POST', 'instances/r1/raiseEvent/go', '7')).status).toBe(202);
    await ended('r1');
    const status = await call('GET', 'instances/r1');
    expect(status.status).toBe(200);
    expect(await status.json()).toMatchObject({
      runtimeStatus: 'Completed',
      input: 60_000,
      output: 7,
      name: 'race',
    });
    expect((await call('DELETE', 'instances/r1')).status).toBe(200);
    expect((await call('GET', 'instances/r1')).status).toBe(404);
  });

  it('list, tell the history, and purge what a query asks for', async () => {
    const before = new Date(Date.now() - 1).toISOString();
    const failed = (await run('throws')).id;
    const done = (await run('fan', 2)).id;
    const query = (status: string) => `instances/?createdTimeFrom=${before}&runtimeStatus=${status}`;
    const ids = async (path: string) =>
      ((await (await call('GET', path)).json()) as { instanceId: string }[]).map(
        ({ instanceId }) => instanceId,
      );
    expect(await ids(query('Failed'))).toEqual([failed]);
    expect(await ids(query('Failed,Completed'))).toEqual([failed, done]);
    const { historyEvents, input } = (await (
      await call('GET', `instances/${done}?showHistory=true&showInput=false`)
    ).json()) as { historyEvents: unknown[]; input: unknown };
    expect(historyEvents.length).toBeGreaterThan(4);
    expect(input).toBeNull();
    expect(await (await call('DELETE', query('Failed,Completed'))).json()).toEqual({ instancesDeleted: 2 });
    expect((await call('GET', `instances/${done}`)).status).toBe(404);
    expect((await call('GET', 'instances/?createdTimeFrom=soon')).status).toBe(400);
  });

  it('suspend, resume and terminate', async () => {
    engine.startNew('race', 's1', '60000');
    await sleep(30);
    expect((await call('POST', 'instances/s1/suspend?reason=x')).status).toBe(202);
    engine.raiseEvent('s1', 'go', '1');
    await sleep(50);
    expect(engine.instance('s1')!.status).toBe('Suspended');
    expect((await call('POST', 'instances/s1/resume')).status).toBe(202);
    expect(await ended('s1')).toMatchObject({ result: 1 });

    engine.startNew('race', 's2', '60000');
    expect((await call('POST', 'instances/s2/terminate?reason=enough')).status).toBe(202);
    expect(await ended('s2')).toMatchObject({ status: 'Terminated', result: 'enough' });
    expect((await call('POST', 'instances/s2/terminate?reason=again')).status).toBe(410);
  });

  it.each(['Cid', '{"a":', "{'a': 1}", 'undefined'])(
    'refuse %j as an input or event: it is no JSON',
    async (text) => {
      const answer = await call('POST', 'orchestrators/race/j1', text);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ Message: expect.stringContaining('Invalid JSON content') });
      expect(engine.instance('j1')).toBeUndefined();
      engine.startNew('race', 'j2', '60000');
      expect((await call('POST', 'instances/j2/raiseEvent/go', text)).status).toBe(400);
      engine.terminate('j2', 'enough');
      await ended('j2');
      expect((await call('GET', 'instances')).status).toBe(200);
    },
  );

  it('list an instance whose input is no JSON, which fails and hides no other', async () => {
    engine.startNew('race', 'j3', 'Cid'); // As an earlier version stored it.
    expect(await ended('j3')).toMatchObject({
      status: 'Failed',
      result: "The input of 'j3' is no JSON: Cid",
    });
    const list = (await (await call('GET', 'instances')).json()) as { instanceId: string }[];
    expect(list).toContainEqual(expect.objectContaining({ instanceId: 'j3', input: 'Cid' }));
    expect(list.length).toBeGreaterThan(1);
  });

  it('refuse by name what they do not have', async () => {
    const answer = await call('POST', 'instances/none/rewind');
    expect(answer.status).toBe(501);
    expect((await call('POST', 'orchestrators/nonesuch')).status).toBe(404);
  });
});

describe('a killed process', () => {
  it('goes on where it was, with at most the running activity done again', { timeout: 20_000 }, async () => {
    const calls = file();
    const spawnEngine = () =>
      spawn(process.execPath, [
        join(import.meta.dirname, 'run.ts'),
        FIXTURE,
        join(folder, 'killed.sqlite'),
        calls,
      ]);
    const first = spawnEngine();
    while (!existsSync(calls) || !readFileSync(calls, 'utf8').includes('b')) await sleep(10);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const second = spawnEngine();
    let output = '';
    second.stdout.on('data', (text) => {
      output += text;
    });
    await once(second, 'exit');
    expect(output).toBe('"abcd"');
    expect(readFileSync(calls, 'utf8').trim()).toMatch(/^a b (b )?c d$/);
  });
});
