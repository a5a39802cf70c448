import { describe, expect, it } from 'vitest';
import { currentCallback, type Delivery, deliverCallback } from '../../src/functions/callback-delivery.ts';
import type { ActivityName, StageOutcome } from '../../src/functions/names.ts';
import type { WorkerError } from '../../src/pipeline/errors.ts';
import { FakeDurable } from '../support/durable.ts';

const DELIVERY: Delivery = {
  audio_file_id: 'a',
  message_id: 'msg_1',
  attempts: 4,
  retry_ms: 10_000,
  error: { code: 'callback_failed', message: 'status 500', attempt: 1 },
};
const failed = (code: WorkerError['code'] = 'callback_failed', retry_after_ms?: number): StageOutcome => ({
  seconds: 1,
  error: { code, message: 'no', attempt: 1, retry_after_ms },
});
const taken: StageOutcome = { seconds: 1, value: true };

/** Delivers to a receiver that answers so, attempt by attempt from the second. */
function deliver(answers: readonly StageOutcome[], more: Partial<Delivery> = {}) {
  const left = [...answers];
  const durable = new FakeDurable(1, (name) => ({
    outcome: name === 'callback' ? left.shift()! : { seconds: 0 },
  }));
  durable.begin('msg_1', deliverCallback, { ...DELIVERY, ...more });
  durable.run();
  const calls = (wanted: ActivityName) => durable.calls.filter(({ stage }) => stage === wanted);
  const ended = durable.ended.get('msg_1')!;
  return { durable, ended, attempts: calls('callback'), releases: calls('releaseCallback') };
}

describe('the delivery of a callback', () => {
  it('tries the message that is held until it is taken, and lets it go', () => {
    const { ended, attempts, releases, durable } = deliver([failed(), taken]);
    expect(attempts.map(({ call }) => [call.attempt, call.input])).toEqual([
      [2, { audio_file_id: 'a', messageId: 'msg_1', held: true }],
      [3, { audio_file_id: 'a', messageId: 'msg_1', held: true }],
    ]);
    expect(ended.output).toEqual({
      callback: 'delivered',
      callback_delivery: { message_id: 'msg_1', attempts: 3 },
    });
    expect(durable.told.at(-1)?.status).toEqual(ended.output);
    expect(releases).toHaveLength(1);
  });

  it('waits longer each time, and tells until when', () => {
    const { attempts, durable } = deliver([failed(), failed(), taken]);
    const [first, second, third] = attempts.map(({ at }) => at);
    expect(first).toBeGreaterThanOrEqual(10);
    expect(second - first).toBeGreaterThanOrEqual(30);
    expect(third - second).toBeGreaterThanOrEqual(90);
    const pending = durable.told.filter(({ status }) => status.callback === 'pending');
    expect(pending.map(({ status }) => status.callback_delivery?.attempts)).toEqual([1, 2, 3]);
    for (const [i, { status }] of pending.entries())
      expect(Date.parse(status.callback_delivery!.next_attempt_at!)).toBeCloseTo(
        Date.UTC(2026, 0, 1) + attempts[i].at * 1000,
        -1,
      );
  });

  it('comes back when the receiver asks for that, also after the first attempt', () => {
    const { attempts } = deliver([failed('callback_failed', 200_000), taken], {
      error: { ...DELIVERY.error, retry_after_ms: 100_000 },
    });
    expect(attempts[0].at).toBeGreaterThanOrEqual(100);
    expect(attempts[1].at - attempts[0].at).toBeGreaterThanOrEqual(200);
  });

  it.each([
    ['callback_gone', 'gone'],
    ['callback_refused', 'refused'],
    ['work_lost', 'failed'],
  ] as const)('ends with %s: %s', (code, callback) => {
    const { ended, attempts, releases } = deliver([failed(code)]);
    expect(ended.output).toMatchObject({ callback, callback_delivery: { attempts: 2, error: { code } } });
    expect([attempts.length, releases.length]).toEqual([1, 1]);
  });

  it('gives up after the last attempt, and tells why', () => {
    const { ended, attempts, releases } = deliver([failed(), failed(), failed()]);
    expect(ended.output).toEqual({
      callback: 'failed',
      callback_delivery: {
        message_id: 'msg_1',
        attempts: 4,
        error: { code: 'callback_failed', message: 'no' },
      },
    });
    expect([attempts.length, releases.length]).toEqual([3, 1]);
  });

  it('of one attempt alone is over at once', () => {
    const { ended, attempts } = deliver([], { attempts: 1 });
    expect(ended.output).toMatchObject({ callback: 'failed', callback_delivery: { attempts: 1 } });
    expect(attempts).toEqual([]);
  });
});

describe('the status of a callback', () => {
  const pending = { callback: 'pending', callback_delivery: { message_id: 'msg_1', attempts: 1 } } as const;
  const client = (customStatus: unknown) =>
    ({
      getStatus: async (id: string) => {
        if (id !== 'callback-msg_1' || customStatus === undefined) throw new Error('404: not found');
        return { customStatus };
      },
    }) as never;

  it('is what its delivery tells', async () => {
    const told = { callback: 'gone', callback_delivery: { message_id: 'msg_1', attempts: 2 } };
    expect(await currentCallback(client(told), pending)).toEqual(told);
  });

  it('is what the run ended with where the delivery has told nothing yet, or is purged', async () => {
    expect(await currentCallback(client(null), pending)).toEqual(pending);
    expect(await currentCallback(client(undefined), pending)).toEqual(pending);
  });

  it('is what the run ended with where that is final', async () => {
    const delivered = { ...pending, callback: 'delivered' } as const;
    expect(await currentCallback(client({ callback: 'gone' }), delivered)).toEqual(delivered);
  });
});
