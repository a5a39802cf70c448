import { describe, expect, it } from 'vitest';
import type { HoldInput } from '../../src/functions/callback-delivery.ts';
import type { ActivityName, LateOutcomes, StageOutcome } from '../../src/functions/names.ts';
import { STAGES, type Stage } from '../../src/pipeline/contracts.ts';
import { type Activity, FakeDurable } from '../support/durable.ts';

const SONG = {
  source: { audio_file_id: 'a' },
  plan: { passes: [['drums']], segments: 4, part_segments: 2, run: 'r', stems: ['drums'], chord_stems: [] },
};
const VALUES: Partial<Record<ActivityName, unknown>> = {
  download: SONG,
  callback: true,
  holdCallback: true,
  cleanup: {},
};
const value = (stage: ActivityName): unknown => VALUES[stage];
const succeed = (stage: ActivityName, more: Partial<StageOutcome> = {}) => ({
  outcome: { seconds: 1, value: value(stage), ...more },
});

function run(activity: Activity) {
  const durable = new FakeDurable(1, activity);
  durable.start('a');
  durable.run();
  return { ...durable.ended.get('a')!, stages: durable.calls.map(({ stage }) => stage), durable };
}

/** The call that carries what a failed run tells. */
const toldFailure = (durable: FakeDurable) =>
  (durable.calls.find(({ stage }) => stage === 'callback')?.call.input as { failure?: { error: object } })
    ?.failure?.error;

describe('a run', () => {
  it('goes through its stages, the parts beside the analysis', () => {
    const { stages, output } = run((stage) => succeed(stage));
    const [download, analyze, ...rest] = STAGES.filter((stage) => stage !== 'separate');
    expect(stages).toEqual([download, analyze, 'separate', 'separate', ...rest]);
    expect(output).toMatchObject({ status: 'completed', callback: 'delivered' });
  });

  it.each(STAGES.filter((stage) => stage !== 'callback' && stage !== 'cleanup'))(
    'that is given up in %s names this stage',
    (failing) => {
      const { error, status, durable } = run((stage) =>
        stage === failing ? { throws: 'the process ended' } : succeed(stage),
      );
      const wanted = { stage: failing, code: 'internal', attempt: 1 };
      expect(error?.message).toMatch(`${failing}: The stage ${failing} was begun 5 times`);
      expect(status.error).toMatchObject({
        ...wanted,
        message: expect.stringContaining('the process ended'),
      });
      expect(toldFailure(durable)).toMatchObject(wanted);
    },
  );

  it('that is called off while a part of it fails is cancelled, and tells nobody', () => {
    const failing = (code: 'canceled' | 'compute_crashed') => ({
      outcome: { seconds: 1, error: { code, message: code, attempt: 1 } },
    });
    const { output, stages, durable } = run((stage) => {
      if (stage === 'analyze') return failing('compute_crashed');
      return stage === 'separate' ? failing('canceled') : succeed(stage);
    });
    expect(output?.status).toBe('canceled');
    expect(stages).toEqual(['download', 'analyze', 'separate', 'separate', 'cleanup']);
    expect(durable.calls.at(-1)?.call.input).toHaveProperty('discard');
  });

  it('whose callback is not taken is complete, and leaves it to a delivery', () => {
    const error = { code: 'callback_failed', message: '503', attempt: 1, retry_after_ms: 7000 } as const;
    const { output, stages, durable } = run((stage) =>
      stage === 'callback' ? { outcome: { seconds: 1, error } } : succeed(stage),
    );
    expect(stages.slice(-3)).toEqual(['callback', 'holdCallback', 'cleanup']);
    const { message, error: why } = durable.calls.at(-2)!.call.input as HoldInput;
    expect([message.audio_file_id, why]).toEqual(['a', error]);
    expect(output).toMatchObject({
      status: 'completed',
      callback: 'pending',
      callback_delivery: {
        message_id: message.messageId,
        attempts: 1,
        error: { code: 'callback_failed', message: '503' },
      },
    });
  });

  it.each([
    ['callback_gone', 'gone'],
    ['callback_refused', 'refused'],
    ['misconfigured', 'failed'],
  ] as const)('whose callback fails for good (%s) is complete, and tells %s', (code, callback) => {
    const error = { code, message: 'no', attempt: 1 };
    const { output, stages } = run((stage) =>
      stage === 'callback' ? { outcome: { seconds: 1, error } } : succeed(stage),
    );
    expect(stages.slice(-2)).toEqual(['callback', 'cleanup']);
    expect(output).toMatchObject({ status: 'completed', callback, callback_delivery: { error: { code } } });
  });

  it('whose callback is given up is complete, and leaves it to a delivery', () => {
    const { output, stages } = run((stage) => (stage === 'callback' ? { throws: 'died' } : succeed(stage)));
    expect(stages.at(-2)).toBe('holdCallback');
    expect(output).toMatchObject({ callback: 'pending', callback_delivery: { error: { code: 'internal' } } });
  });

  it('whose callback can neither be delivered nor held is complete, and tells why', () => {
    const { output } = run((stage) =>
      stage === 'callback' || stage === 'holdCallback' ? { throws: 'the storage is gone' } : succeed(stage),
    );
    expect(output).toMatchObject({
      status: 'completed',
      callback: 'failed',
      callback_delivery: { error: { message: expect.stringContaining('the storage is gone') } },
    });
  });

  it('whose callback has an outcome that makes no sense is complete, and tells that', () => {
    const { output } = run((stage) => (stage === 'callback' ? { outcome: null as never } : succeed(stage)));
    expect(output).toMatchObject({ callback: 'failed', callback_delivery: { error: { code: 'internal' } } });
  });

  it('that fails tells what became of its callback', () => {
    const error = { code: 'callback_failed', message: '503', attempt: 1 } as const;
    const refusal = { code: 'too_long', message: 'long', attempt: 1 } as const;
    const { status, stages } = run((stage) =>
      stage === 'download'
        ? { outcome: { seconds: 1, error: refusal } }
        : stage === 'callback'
          ? { outcome: { seconds: 1, error } }
          : succeed(stage),
    );
    expect(stages).toEqual(['download', 'callback', 'holdCallback', 'cleanup']);
    expect(status).toMatchObject({ error: { code: 'too_long' }, callback: 'pending' });
  });

  it('whose cleanup is given up is complete', () => {
    const { output } = run((stage) => (stage === 'cleanup' ? { throws: 'gone' } : succeed(stage)));
    expect(output).toMatchObject({ status: 'completed', callback: 'delivered' });
  });

  it.each([
    ['download', 'download', null],
    ['separate', 'download', { ...SONG, plan: { ...SONG.plan, passes: null } }],
  ] as const)(
    'whose orchestrator fails in %s names the stage that it had entered',
    (entered, stage, strange) => {
      const { error } = run((each) =>
        each === stage ? { outcome: { seconds: 1, value: strange } } : succeed(each),
      );
      expect(error?.message).toMatch(new RegExp(`^${entered}: .*\\[internal\\]`));
    },
  );

  it.each(['assemble', 'upload'] as const)('names %s where its outcome makes no sense', (stage) => {
    const { error } = run((each) => (each === stage ? { outcome: null as never } : succeed(each)));
    expect(error?.message).toMatch(new RegExp(`^${stage}: .*\\[internal\\]`));
  });

  it('schedules nothing while siblings of an activity that was given up are still running', () => {
    const slow = 7;
    const durable = new FakeDurable(3, (stage, call) => {
      if (stage === 'analyze') return { throws: 'the process ended', takes: 1 };
      return {
        ...succeed(stage),
        takes: stage === 'separate' && (call.input as { first: number }).first > 0 ? slow : 1,
      };
    });
    durable.start('a');
    durable.run();
    const after = durable.calls.filter(({ stage }) => stage === 'callback' || stage === 'cleanup');
    expect(after.map(({ at }) => at)).toEqual([1 + slow, 2 + slow]);
    expect(durable.ended.get('a')?.status.error).toMatchObject({ stage: 'analyze' });
  });
});

describe('the late stages that the last part has gone on with', () => {
  const ok = (stage: Stage): StageOutcome => ({ seconds: 0.5, value: value(stage) });
  const stage_seconds = { download: 1, separate: 2, analyze: 3, assemble: 0.5, upload: 0.5 };
  /** The second part's activity is the last one. */
  const going = (
    outcomes: LateOutcomes['outcomes'],
    more: Activity = (stage) => succeed(stage),
  ): Activity => {
    return (stage, call) =>
      stage === 'separate' &&
      (call.input as { first: number }).first > 0 &&
      call.continuation?.fan_out.endsWith('-1')
        ? succeed(stage, { late: { outcomes, stage_seconds } })
        : more(stage, call);
  };
  const FANNED_OUT: Stage[] = ['download', 'analyze', 'separate', 'separate'];

  it('are not run again', () => {
    const { stages, output } = run(
      going({
        assemble: ok('assemble'),
        upload: ok('upload'),
        callback: ok('callback'),
        cleanup: ok('cleanup'),
      }),
    );
    expect(stages).toEqual(FANNED_OUT);
    expect(output).toEqual({
      status: 'completed',
      callback: 'delivered',
      callback_delivery: { message_id: expect.stringMatching(/^msg_/), attempts: 1 },
      stage_seconds,
    });
  });

  it('are told to every activity of the fan-out alike', () => {
    const { durable } = run(going({}));
    const told = durable.calls.filter(({ stage }) => stage === 'analyze' || stage === 'separate');
    expect(told.map(({ call }) => call.continuation)).toEqual(told.map(() => told[0].call.continuation));
    expect(told[0].call.continuation).toMatchObject({ message_id: expect.stringMatching(/^msg_[^.]+$/) });
  });

  it('are taken up where they were left', () => {
    const { stages } = run(going({ assemble: ok('assemble') }));
    expect(stages).toEqual([...FANNED_OUT, 'upload', 'callback', 'cleanup']);
  });

  it('count as first attempts where they failed', () => {
    const error = { code: 'storage_unavailable', message: 'busy', attempt: 1 } as const;
    const { stages, output, durable } = run(going({ assemble: { seconds: 1, error } }));
    expect(stages).toEqual([...FANNED_OUT, 'assemble', 'upload', 'callback', 'cleanup']);
    expect(durable.calls[FANNED_OUT.length]).toMatchObject({ call: { attempt: 2 }, at: 5 });
    expect(output?.status).toBe('completed');
  });

  it('leave a callback that was not taken to a delivery, and hold what it tells before cleanup', () => {
    const error = { code: 'callback_failed', message: '503', attempt: 1 } as const;
    const { stages, output } = run(
      going({ assemble: ok('assemble'), upload: ok('upload'), callback: { seconds: 1, error } }),
    );
    expect(stages).toEqual([...FANNED_OUT, 'holdCallback', 'cleanup']);
    expect(output?.callback).toBe('pending');
  });

  it('end a cancelled run as cancelled', () => {
    const error = { code: 'canceled', message: 'The run was cancelled.', attempt: 1 } as const;
    const { stages, output, durable } = run(going({ assemble: { seconds: 0, error } }));
    expect(stages).toEqual([...FANNED_OUT, 'cleanup']);
    expect(durable.calls.at(-1)?.call.input).toMatchObject({ discard: SONG.plan });
    expect(output?.status).toBe('canceled');
  });

  it('have lost work made again, in a fan-out of another name', () => {
    const error = { code: 'work_lost', message: 'gone', attempt: 1 } as const;
    const { stages, output, durable } = run(
      going({ assemble: ok('assemble'), upload: { seconds: 0, error } }),
    );
    expect(stages).toEqual([
      ...FANNED_OUT,
      ...FANNED_OUT.slice(1),
      'assemble',
      'upload',
      'callback',
      'cleanup',
    ]);
    const names = durable.calls.map(({ call }) => call.continuation?.fan_out).filter(Boolean);
    expect(new Set(names).size).toBe(2);
    expect(output?.status).toBe('completed');
  });

  it('count more than the failure of a part whose work is there', () => {
    const error = { code: 'timed_out', message: 'late', attempt: 1 } as const;
    const late = {
      assemble: ok('assemble'),
      upload: ok('upload'),
      callback: ok('callback'),
      cleanup: ok('cleanup'),
    };
    const { stages, output } = run(
      going(late, (stage) => (stage === 'separate' ? succeed(stage, { error }) : succeed(stage))),
    );
    expect(stages).toEqual(FANNED_OUT);
    expect(output?.status).toBe('completed');
  });

  it('give what came in for the same song meanwhile', () => {
    const next = { audio_file_id: 'a', blob_name: 'a.mp3', attempts: 3 };
    const { continuedWith } = run(
      going({
        assemble: ok('assemble'),
        upload: ok('upload'),
        callback: ok('callback'),
        cleanup: { seconds: 0, value: { next } },
      }),
    );
    expect(continuedWith).toMatchObject(next);
  });
});
