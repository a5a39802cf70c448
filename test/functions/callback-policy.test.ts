import { describe, expect, it } from 'vitest';
import { callbackDelayMs, callbackStatus, MAX_RETRY_AFTER_MS } from '../../src/functions/callback-policy.ts';

const POLICY = { attempts: 8, retry_ms: 10_000 };
const ids = Array.from({ length: 200 }, (_, i) => `msg_${i}`);

describe('the wait before a callback is tried again', () => {
  it.each([
    [1, 10_000],
    [2, 30_000],
    [7, 7_290_000],
    [12, 86_400_000],
    [1000, 86_400_000],
  ])('after attempt %d is at least %d ms, and at most a fifth longer', (attempt, backoff) => {
    const delays = ids.map((id) => callbackDelayMs(id, attempt, POLICY));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(backoff);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1.2 * backoff);
  });

  it('differs from message to message and from attempt to attempt, all over its range', () => {
    const shares = ids.map((id) => callbackDelayMs(id, 1, POLICY) / 10_000 - 1);
    expect(Math.min(...shares)).toBeLessThan(0.02);
    expect(Math.max(...shares)).toBeGreaterThan(0.18);
    expect(new Set(shares).size).toBeGreaterThan(150);
    expect(callbackDelayMs('msg_1', 2, POLICY)).not.toBe(3 * callbackDelayMs('msg_1', 1, POLICY));
  });

  it('is the same in every replay', () => {
    expect(callbackDelayMs('msg_1', 3, POLICY)).toBe(callbackDelayMs('msg_1', 3, POLICY));
  });

  it('is as long as the receiver asks for, up to the cap', () => {
    const asked = (ms: number) => callbackDelayMs('msg_1', 1, POLICY, ms);
    expect(asked(60_000)).toBeGreaterThanOrEqual(60_000);
    expect(asked(60_000)).toBeLessThanOrEqual(72_000);
    expect(asked(1)).toBe(callbackDelayMs('msg_1', 1, POLICY));
    expect(asked(30 * 24 * 3_600_000)).toBeLessThanOrEqual(1.2 * MAX_RETRY_AFTER_MS);
  });
});

describe('what an attempt comes to', () => {
  it.each([
    ['callback_failed', 'pending'],
    ['storage_unavailable', 'pending'],
    ['internal', 'pending'],
    ['callback_gone', 'gone'],
    ['callback_refused', 'refused'],
    ['misconfigured', 'failed'],
  ] as const)('%s: %s', (code, callback) => {
    const error = { code, message: 'why', attempt: 2 };
    expect(callbackStatus('msg_1', 2, { seconds: 1, error })).toEqual({
      callback,
      callback_delivery: { message_id: 'msg_1', attempts: 2, error: { code, message: 'why' } },
    });
  });

  it('success: delivered', () => {
    expect(callbackStatus('msg_1', 3, { seconds: 1, value: true })).toEqual({
      callback: 'delivered',
      callback_delivery: { message_id: 'msg_1', attempts: 3 },
    });
  });

  it('nobody to tell: not requested', () => {
    expect(callbackStatus('msg_1', 1, { seconds: 1, value: false })).toEqual({ callback: 'not requested' });
  });
});
