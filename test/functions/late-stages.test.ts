import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { performAndContinue } from '../../src/functions/late-stages.ts';
import type { Continuation, StageCall, StageOutcome } from '../../src/functions/names.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import type { Progress, SeparationPlan, SourceInfo, Stage } from '../../src/pipeline/contracts.ts';
import { cleanup } from '../../src/pipeline/stages/cleanup.ts';
import { currentProgress } from '../../src/pipeline/stages/progress.ts';
import { readJson, writeJson } from '../../src/pipeline/storage/container.ts';
import { analysisWorkBlob, resultBlob } from '../../src/pipeline/storage/names.ts';
import { StagedStem } from '../../src/pipeline/storage/staged-stem.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';

let storage: TestStorage;
beforeAll(async () => {
  storage = await newStorage();
});

const config = readConfig({ DEMUCS_MODEL: 'spectral' });
const RUN = '0123456789abcdef';
const PARTS = [
  { first: 0, end: 1 },
  { first: 1, end: 2 },
];
const LATE: Stage[] = ['assemble', 'upload', 'callback', 'cleanup'];

let songs = 0;
let id: string;
let song: { source: SourceInfo; plan: SeparationPlan };
let continuation: Continuation;
/** Stages in the order in which they were performed. */
let performed: Stage[];
/** What happens in a stage, before it is done. */
let interfere: Partial<Record<Stage, () => unknown>>;
/** As `GET` sees the run while its stages are performed. */
let seen: (Progress | undefined)[];

beforeEach(() => {
  id = `song-${++songs}`;
  const source = { audio_file_id: id, blob_name: `${id}.mp3`, etag: 'e', frames: 2 } as SourceInfo;
  const plan = { stems: ['drums'], passes: [['drums']], chord_stems: [], segments: 2, run: RUN } as unknown;
  song = { source, plan: plan as SeparationPlan };
  continuation = {
    fan_out: '1-1',
    message_id: 'msg',
    started_at: Date.now() - 5000,
    fanned_out_at: Date.now() - 2000,
    download_seconds: 3,
  };
  performed = [];
  interfere = {};
  seen = [];
});

const context = () => ({ container: storage.container, config });

async function perform(stage: Stage, { input }: StageCall): Promise<StageOutcome> {
  const { container } = storage;
  performed.push(stage);
  const at = { stage: 'separate', progress: 0.1, plan: song.plan, fan_out: continuation.fan_out } as const;
  if (LATE.includes(stage)) seen.push(await currentProgress(id, at, context()));
  const change = await interfere[stage]?.();
  if (change) return change as StageOutcome;
  let value: unknown;
  if (stage === 'analyze') await writeJson(container, analysisWorkBlob(id, RUN), {});
  if (stage === 'separate')
    await new StagedStem(container, id, 'drums', RUN).stage(
      (input as { first: number }).first,
      new Int16Array(2),
    );
  if (stage === 'upload') {
    await new StagedStem(container, id, 'drums', RUN).commit(song.plan, 2);
    await writeJson(container, resultBlob(id), input);
  }
  if (stage === 'callback') value = true;
  if (stage === 'cleanup') value = await cleanup(input as never, context());
  return { seconds: 0.5, value };
}

const activity = (stage: 'analyze' | 'separate', part?: object, its = continuation) =>
  performAndContinue(
    stage,
    { audio_file_id: id, attempt: 1, input: { ...song, ...part }, continuation: its },
    context(),
    perform,
  );

const KILLED = Object.assign(new Error('The worker is being stopped.'), { code: 'interrupted' });
const kill = () => {
  throw KILLED;
};

describe('the activity that completes a fan-out goes on with the late stages', () => {
  it.each([
    ['the last part', ['analyze', 0, 1]],
    ['the analysis', [0, 1, 'analyze']],
  ] as const)('where that is %s', async (_, order) => {
    const outcomes: StageOutcome[] = [];
    for (const which of order)
      outcomes.push(
        which === 'analyze' ? await activity('analyze') : await activity('separate', PARTS[which]),
      );
    expect(outcomes.map(({ late }) => late && Object.keys(late.outcomes))).toEqual([
      undefined,
      undefined,
      LATE,
    ]);
    expect(performed.slice(-4)).toEqual(LATE);
    const { late } = outcomes[2];
    expect(late?.outcomes.callback).toEqual({ seconds: 0.5, value: true });
    expect(late?.stage_seconds).toMatchObject({ download: 3, analyze: 0.5, assemble: 0.5, upload: 0.5 });
    const { elapsedSeconds, stageSeconds } = (await readJson<{
      elapsedSeconds: number;
      stageSeconds: object;
    }>(storage.container, resultBlob(id)))!;
    expect(elapsedSeconds).toBeGreaterThanOrEqual(5);
    expect(stageSeconds).toEqual({ download: 3, separate: expect.any(Number), analyze: 0.5, assemble: 0.5 });
    const names = [];
    for await (const { name } of storage.container.listBlobsFlat({ prefix: `${id}/work/` })) names.push(name);
    expect(names).toEqual([]);
  });

  it('once, where several complete it at the same time', async () => {
    await activity('analyze');
    const ends = await Promise.all(PARTS.map((part) => activity('separate', part)));
    expect(ends.filter(({ late }) => late)).toHaveLength(1);
    expect(performed.filter((stage) => stage === 'upload')).toHaveLength(1);
  });

  it('and those who ask meanwhile are told which stage it is', async () => {
    await activity('analyze');
    for (const part of PARTS) await activity('separate', part);
    expect(seen.map((progress) => progress?.stage)).toEqual(LATE);
    expect(seen.map((progress) => progress?.ending)).toEqual([undefined, undefined, undefined, true]);
    const at = { stage: 'separate', progress: 0.1, plan: song.plan, fan_out: continuation.fan_out } as const;
    expect(await currentProgress(id, at, context())).toMatchObject({ stage: 'cleanup', ending: true });
    expect(await currentProgress(id, { ...at, fan_out: '2-1' }, context())).toMatchObject({
      stage: 'separate',
    });
  });

  it('up to a failure, which is handed over', async () => {
    const error = { code: 'callback_failed', message: '503', attempt: 1 } as const;
    interfere.callback = () => ({ seconds: 1, error });
    await activity('analyze');
    await activity('separate', PARTS[0]);
    const { late } = await activity('separate', PARTS[1]);
    expect(Object.keys(late!.outcomes)).toEqual(['assemble', 'upload', 'callback']);
    expect(late?.outcomes.callback?.error).toEqual(error);
  });

  it('not with what had no time: that is left to an activity of its own', async () => {
    interfere.upload = () => ({ seconds: 1, error: { code: 'timed_out', message: 'late', attempt: 1 } });
    await activity('analyze');
    await activity('separate', PARTS[0]);
    expect(Object.keys((await activity('separate', PARTS[1])).late!.outcomes)).toEqual(['assemble']);
  });

  it('not where half of its time is over', async () => {
    await activity('analyze');
    await activity('separate', PARTS[0]);
    const { late } = await performAndContinue(
      'separate',
      { audio_file_id: id, attempt: 1, input: { ...song, ...PARTS[1] }, continuation } as never,
      { container: storage.container, config: { ...config, stageTimeoutMs: 0.001 } },
      perform,
    );
    expect(late).toBeUndefined();
  });

  it('not where its own stage fails', async () => {
    await activity('analyze');
    interfere.separate = () => ({ seconds: 1, error: { code: 'internal', message: 'x', attempt: 1 } });
    expect(await activity('separate', PARTS[0])).toMatchObject({ error: { code: 'internal' } });
    expect(performed).toEqual(['analyze', 'separate']);
  });
});

describe('an activity that was killed while it went on', () => {
  async function killedIn(stage: Stage, when: 'before' | 'after'): Promise<StageOutcome> {
    await activity('analyze');
    await activity('separate', PARTS[0]);
    interfere[stage] =
      when === 'before'
        ? kill
        : async () => {
            delete interfere[stage];
            await perform(stage, { audio_file_id: id, attempt: 1, input: lateInput(stage) });
            kill();
          };
    await expect(activity('separate', PARTS[1])).rejects.toBe(KILLED);
    interfere = {};
    performed = [];
    return await activity('separate', PARTS[1]);
  }
  const lateInput = (stage: Stage) =>
    stage === 'cleanup' ? { audio_file_id: id, source: song.source } : { ...song };

  it.each([
    ['assemble', 'before'],
    ['assemble', 'after'],
    ['upload', 'before'],
    ['upload', 'after'],
    ['callback', 'before'],
    ['callback', 'after'],
  ] as const)(
    'in %s, %s its work: separates nothing again and leaves the rest to the queue',
    async (stage, when) => {
      expect(await killedIn(stage, when)).toEqual({ seconds: 0.5 });
      expect(performed).toEqual([]);
    },
  );

  it.each(['before', 'after'] as const)(
    'in cleanup, %s its work: is taken over, and nothing it told is lost',
    async (when) => {
      const { late } = await killedIn('cleanup', when);
      expect(performed).toEqual(['cleanup']);
      expect(Object.keys(late!.outcomes)).toEqual(LATE);
      expect(late?.outcomes.callback).toMatchObject({ value: true });
      expect(late?.stage_seconds).toMatchObject({ download: 3, assemble: 0.5, upload: 0.5 });
    },
  );
});

describe('what another fan-out has left', () => {
  it('is no claim: neither that of a run called off, nor that of a turn whose work was lost', async () => {
    await activity('analyze');
    await activity('separate', PARTS[0]);
    interfere.assemble = () => ({ seconds: 0, error: { code: 'canceled', message: 'x', attempt: 1 } });
    await activity('separate', PARTS[1]);
    interfere = {};
    const next = { ...continuation, fan_out: '1-2' };
    await activity('separate', PARTS[0], next);
    await activity('separate', PARTS[1], next);
    expect(performed.at(-1)).toBe('separate');
    const { late } = await activity('analyze', undefined, next);
    expect(Object.keys(late!.outcomes)).toEqual(LATE);
  });
});
