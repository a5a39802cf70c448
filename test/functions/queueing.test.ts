import { beforeEach, describe, expect, it } from 'vitest';
import type { LateStage, StageOutcome } from '../../src/functions/names.ts';
import { LATE_STAGES } from '../../src/functions/names.ts';
import {
  activityCame,
  expectActivities,
  forgetExpected,
  othersAreExpected,
} from '../../src/functions/queue-order.ts';
import type { Stage } from '../../src/pipeline/contracts.ts';
import { FakeDurable } from '../support/durable.ts';

/** Seconds of each stage; a song is in as many parts of `separate` seconds as it is told. */
const COSTS: Record<Stage | 'holdCallback' | 'releaseCallback', number> = {
  download: 0.4,
  analyze: 0.6,
  separate: 1.5,
  assemble: 0.3,
  upload: 0.1,
  callback: 0.02,
  holdCallback: 0.02,
  releaseCallback: 0.02,
  cleanup: 0.02,
};
const SLOTS = 2;

beforeEach(() => forgetExpected());

/** Orchestrators of the worker over a queue, with activities as the worker's go on and make way, or don't. */
function analyse(songs: Record<string, number>, { goOn = true, makeWay = true } = {}): number[] {
  const open = new Map<string, number>();
  const durable = new FakeDurable(SLOTS, (stage, call) => {
    const id = call.audio_file_id;
    const parts = songs[id];
    if (stage === 'download') {
      if (makeWay && call.may_make_way && othersAreExpected(id))
        return { outcome: { seconds: 0, made_way: true } };
      expectActivities(id, parts + 1);
      open.set(id, parts + 1);
      const plan = {
        passes: [['drums']],
        segments: parts,
        part_segments: 1,
        stems: [],
        chord_stems: [],
        run: 'r',
      };
      return {
        takes: COSTS.download,
        outcome: { seconds: 1, value: { source: { audio_file_id: id }, plan } },
      };
    }
    const value = stage === 'callback' ? true : {};
    if (stage !== 'analyze' && stage !== 'separate')
      return { takes: COSTS[stage], outcome: { seconds: COSTS[stage], value } };
    activityCame(id);
    const left = open.get(id)! - 1;
    open.set(id, left);
    if (left > 0 || !goOn) return { takes: COSTS[stage], outcome: { seconds: 1 } };
    const late = LATE_STAGES.map((each): [LateStage, StageOutcome] => [
      each,
      { seconds: COSTS[each], value: each === 'callback' ? true : {} },
    ]);
    const takes = LATE_STAGES.reduce((sum, each) => sum + COSTS[each], COSTS[stage]);
    return {
      takes,
      outcome: { seconds: 1, late: { outcomes: Object.fromEntries(late), stage_seconds: {} } },
    };
  });
  for (const id of Object.keys(songs)) durable.start(id);
  durable.run();
  return Object.keys(songs).map((id) => {
    expect(durable.ended.get(id)?.output).toMatchObject({ status: 'completed', callback: 'delivered' });
    return durable.ended.get(id)!.at;
  });
}

const many = (count: number, parts: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`song-${i}`, parts]));
const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
const SONGS = 25;

describe.each([1, 2, 6])('25 songs of %d parts at once, two slots', (parts) => {
  const [alone] = analyse({ alone: parts });
  /** Song after song, each with both slots for itself. */
  const inTurn = (alone * (SONGS + 1)) / 2;

  it('the first result is there within twice the time of one song alone', () => {
    expect(Math.min(...analyse(many(SONGS, parts)))).toBeLessThan(2 * alone);
  });

  it('and the mean completion within 1.25 of first come, first served', () => {
    expect(mean(analyse(many(SONGS, parts)))).toBeLessThan(1.25 * inTurn);
  });

  it('neither holds where the late stages are queued by themselves', () => {
    const ended = analyse(many(SONGS, parts), { goOn: false, makeWay: false });
    expect(Math.min(...ended)).toBeGreaterThan(2 * alone);
    expect(mean(ended)).toBeGreaterThan(1.2 * inTurn);
  });
});

it('where downloads do not make way, the first of many short songs is late', () => {
  const [alone] = analyse({ alone: 1 });
  expect(Math.min(...analyse(many(SONGS, 1), { makeWay: false }))).toBeGreaterThan(2 * alone);
});

it('one long song is not starved by short ones that came with it', () => {
  const songs = { ...many(10, 1), long: 40 };
  const [long] = analyse(songs).slice(-1);
  const [alone] = analyse({ long: 40 });
  const shorts = analyse(many(10, 1));
  expect(long).toBeLessThan(alone + Math.max(...shorts));
});
