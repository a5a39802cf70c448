import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLE_RATE, SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { endIdleProcesses } from '../../../src/pipeline/compute/pool.ts';
import type { Task, TaskResult } from '../../../src/pipeline/compute/protocol.ts';
import { runInChild } from '../../../src/pipeline/compute/run.ts';
import { readConfig } from '../../../src/pipeline/config.ts';
import { analyse } from '../../../src/pipeline/mir/analyse.ts';
import { chooseSeparator } from '../../../src/pipeline/separation/registry.ts';
import { installSmall } from '../../support/models.ts';
import { song as renderedSong } from '../../support/songs.ts';

const SECONDS = 20;

let folder: string;
let song: string;
const settings = { ...process.env };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'compute-'));
  Object.assign(process.env, { MODELS_DIR: join(folder, 'models'), WORKERS: '1' });
  await installSmall(process.env.MODELS_DIR!, 'htdemucs');
  song = join(folder, 'song.f32');
  writeFileSync(
    song,
    Float32Array.from({ length: 2 * SECONDS * SAMPLE_RATE }, (_, i) => Math.sin(i / 50) / 4),
  );
});
afterEach(() => {
  endIdleProcesses();
  delete process.env.WORKER_MEMORY_MB;
  delete process.env.WORKER_SILENCE_SECONDS;
});
afterAll(() => {
  process.env = settings;
  rmSync(folder, { recursive: true });
});

function separation(segments: readonly number[], model = 'htdemucs'): Task {
  return { kind: 'separate', song, separator: chooseSeparator(model, undefined, readConfig()), segments };
}

async function results(work: AsyncIterable<TaskResult>): Promise<TaskResult[]> {
  const all = [];
  for await (const result of work) all.push(result);
  return all;
}

/** Process ids of the compute children that this process has. */
function children(): number[] {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return list
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s.*compute.child/.exec(line))
    .filter((match) => Number(match?.[2]) === process.pid)
    .map((match) => Number(match![1]));
}

describe('a computing process', { timeout: 60_000 }, () => {
  it('gives every stem of the segments that were asked for, and no others', async () => {
    const given = (await results(runInChild(separation([1, 3])))) as Extract<
      TaskResult,
      { kind: 'segment' }
    >[];
    expect(given.map(({ index, stem }) => `${index} ${stem}`)).toEqual(
      [1, 3].flatMap((index) => ['drums', 'bass', 'other', 'vocals'].map((stem) => `${index} ${stem}`)),
    );
    for (const { samples } of given) expect(samples.some((sample) => sample !== 0)).toBe(true);
  });

  it('keeps its network for the next task, and makes room for one that needs another process', async () => {
    await results(runInChild(separation([0])));
    const [first] = children();
    await results(runInChild(separation([1])));
    expect(children()).toEqual([first]);
    await results(runInChild(separation([0], 'spectral')));
    await expect.poll(() => children().length).toBe(1);
    expect(children()).not.toEqual([first]);
  });

  it('that has no network is kept for whatever needs none, and finds the same again', async () => {
    const analysis = await results(runInChild({ kind: 'analyze', song }));
    expect(analysis).toMatchObject([{ kind: 'analysis' }]);
    const [first] = children();
    await results(runInChild(separation([0], 'spectral')));
    expect(await results(runInChild({ kind: 'analyze', song }))).toEqual(analysis);
    expect(children()).toEqual([first]);
  });

  it('that has no network and has grown is not kept', async () => {
    process.env.WORKER_MEMORY_MB = '800';
    await results(runInChild({ kind: 'analyze', song }));
    await expect.poll(children).toEqual([]);
  });

  it('finds with two threads in a song what one would find', async () => {
    const whole = join(folder, 'whole.f32');
    const { left, right } = renderedSong().mix;
    writeFileSync(
      whole,
      Float32Array.from({ length: 2 * left.length }, (_, i) => (i % 2 ? right : left)[i >> 1]),
    );
    const [result] = await results(runInChild({ kind: 'analyze', song: whole }));
    expect(result).toEqual({ kind: 'analysis', analysis: analyse(new SongBuffer(left, right)) });
  });

  it('leaves off between two segments when it is called off, and goes on with the next task', async () => {
    const stop = new AbortController();
    const work = results(runInChild(separation([...Array(12).keys()]), stop.signal));
    await expect.poll(() => children().length).toBe(1);
    const [pid] = children();
    stop.abort(new Error('no longer wanted'));
    await expect(work).rejects.toThrow('no longer wanted');
    expect(await results(runInChild(separation([0])))).toHaveLength(4);
    expect(children()).toEqual([pid]);
  });

  it('leaves off when nobody takes its results any more', async () => {
    for await (const result of runInChild(separation([...Array(12).keys()]))) {
      expect(result).toMatchObject({ kind: 'segment', index: 0 });
      break;
    }
    expect(await results(runInChild(separation([0])))).toHaveLength(4);
    expect(children()).toHaveLength(1);
  });

  it.each([
    ['that is killed', 'SIGKILL', 'ended by itself (signal SIGKILL)'],
    ['that hangs', 'SIGSTOP', 'WORKER_SILENCE_SECONDS'],
  ] as const)('%s fails its task, which a new one can do', async (_, signal, words) => {
    if (signal === 'SIGSTOP') process.env.WORKER_SILENCE_SECONDS = '6';
    const work = runInChild(separation([0, 1]));
    await work.next();
    process.kill(children()[0], signal);
    const rest = results(work);
    await expect(rest).rejects.toMatchObject({
      code: 'compute_crashed',
      retryable: true,
      message: expect.stringContaining(words),
    });
    delete process.env.WORKER_SILENCE_SECONDS;
    expect(await results(runInChild(separation([0])))).toHaveLength(4);
  });

  it('that takes more memory than it may is ended and says so', async () => {
    process.env.WORKER_MEMORY_MB = '60';
    const { stride_frames } = chooseSeparator('htdemucs', undefined, readConfig());
    const all = [...new Array(Math.ceil((SECONDS * SAMPLE_RATE) / stride_frames)).keys()];
    await expect(results(runInChild(separation(all)))).rejects.toMatchObject({
      code: 'out_of_memory',
      retryable: true,
      message: expect.stringMatching(/took \d+ MB; WORKER_MEMORY_MB allows 60/),
    });
  });

  it('that has a network but not the provider says what is wrong', async () => {
    process.env.ORT_EXECUTION_PROVIDER = 'cuda';
    const work = results(runInChild(separation([0])));
    await expect(work).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/ORT_EXECUTION_PROVIDER is 'cuda'.*cpu/s),
    });
    delete process.env.ORT_EXECUTION_PROVIDER;
  });

  it('refuses weights that are not those of the plan', async () => {
    const task = separation([0]);
    await installSmall(process.env.MODELS_DIR!, 'htdemucs', 'half_precision');
    await expect(results(runInChild(task))).rejects.toMatchObject({ code: 'model_unavailable' });
    await installSmall(process.env.MODELS_DIR!, 'htdemucs');
  });
});
