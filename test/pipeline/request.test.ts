import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AnalyzeRequest, parseAnalyzeRequest, parseAudioFileId } from '../../src/pipeline/contracts.ts';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { nearestName } from '../../src/pipeline/field-names.ts';
import { requireKnown } from '../../src/pipeline/separation/registry.ts';
import { jamsBlob, resultBlob, stemBlob, workPrefix } from '../../src/pipeline/storage/names.ts';
import { installSmall } from '../support/models.ts';

const RIGHT = {
  audio_file_id: 'a1',
  blob_uri: 'https://songs.blob.core.windows.net/audio-files/a1/song.mp3',
};

/** What is said about a body; its text, so that everything JSON can hold may come. */
function refusal(json: string): string {
  try {
    parseAnalyzeRequest(JSON.parse(json));
  } catch (error) {
    expect(error, json).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code: 'invalid_request' });
    return (error as WorkerError).message;
  }
  throw new Error(`taken: ${json.slice(0, 200)}`);
}
const refusalOf = (body: unknown) => refusal(JSON.stringify(body));

describe('a request', () => {
  it.each<Partial<AnalyzeRequest>>([
    {},
    { callback_url: 'https://example.com/done?x=1' },
    { model: 'spectral', stems: ['vocals', 'drums'] },
    { audio_file_id: 'x'.repeat(100) },
    { blob_uri: `https://a/${'x'.repeat(4000)}` },
  ])('%j is taken', (more) =>
    expect(parseAnalyzeRequest({ ...RIGHT, ...more })).toEqual({ ...RIGHT, ...more }),
  );

  it.each<[string, unknown, RegExp]>([
    ['audio_file_id', 'x'.repeat(101), /^audio_file_id: expected 1 to 100 letters/],
    ['audio_file_id', 'a/b', /^audio_file_id: expected 1 to 100/],
    ['audio_file_id', '.a', /^audio_file_id: .*no dot/],
    ['audio_file_id', 'a\n', /^audio_file_id: expected/],
    ['audio_file_id', 7, /^audio_file_id: .*string/],
    ['blob_uri', `https://a/${'x'.repeat(4096)}`, /^blob_uri: expected at most 4096 characters/],
    ['blob_uri', ['a'], /^blob_uri: .*string/],
    ['blob_uri', 'https://a/\u0000', /^blob_uri: expected text without control characters/],
    ['blob_uri', 'https://a/\ud800', /^blob_uri: expected text without control characters/],
    ['callback_url', `https://a/${'x'.repeat(2048)}`, /^callback_url: expected at most 2048 characters/],
    ['callback_url', 'ftp://a/b', /^callback_url: expected an http\(s\) address/],
    ['callback_url', 'https://a/\tb', /^callback_url: expected text without control/],
    ['callback_url', {}, /^callback_url: .*string/],
    ['model', 'm'.repeat(101), /^model: expected at most 100 characters/],
    ['model', '', /^model: expected some text/],
    ['model', 1e308, /^model: .*string/],
    ['model', 'a\u0007', /^model: expected text/],
    ['stems', [], /^stems: expected at least one stem/],
    ['stems', Array.from({ length: 17 }, (_, i) => `s${i}`), /^stems: expected at most 16 stems/],
    ['stems', ['s'.repeat(65)], /^stems\.0: expected at most 64 characters/],
    ['stems', ['vocals', 'bass', 'vocals'], /^stems: expected each stem once/],
    ['stems', ['vocals', 3], /^stems\.1: .*string/],
    ['stems', 'vocals', /^stems: .*array/],
    ['stems', [[[['deep']]]], /^stems\.0: .*string/],
  ])('with %s %j is refused, by name', (field, value, message) =>
    expect(refusalOf({ ...RIGHT, [field]: value })).toMatch(message),
  );

  it.each([
    ['callbackUrl', 'callback_url'],
    ['CallbackURL', 'callback_url'],
    ['callback-url', 'callback_url'],
    ['callback', 'callback_url'],
    ['calback_url', 'callback_url'],
    ['stem', 'stems'],
    ['Stems', 'stems'],
    ['stemms', 'stems'],
    ['Model', 'model'],
    ['models', 'model'],
    ['modle', 'model'],
    ['blobUri', 'blob_uri'],
    ['blob_url', 'blob_uri'],
    ['uri', 'blob_uri'],
    ['audioFileId', 'audio_file_id'],
    ['file_id', 'audio_file_id'],
    ['id', 'audio_file_id'],
  ])('with a field %s is refused and told %s', (given, meant) =>
    expect(refusalOf({ ...RIGHT, [given]: 'x' })).toBe(
      `"${given}": there is no such field; did you mean ${meant}?`,
    ),
  );

  it('with a field like no other is told the known ones; the name is bounded and on one line', () => {
    expect(refusalOf({ ...RIGHT, tempo: 1 })).toMatch(/no such field; known are audio_file_id, blob_uri, /);
    expect(refusalOf({ ...RIGHT, ['x\n'.repeat(9999)]: 1 })).toMatch(/^"(x\\n)+": there is no such field/);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field${i}`, 1]));
    expect(refusalOf({ ...RIGHT, ...many }).length).toBeLessThan(2000);
    expect(refusal(`${JSON.stringify(RIGHT).slice(0, -1)},"__proto__":{"model":"x"}}`)).toMatch(
      /"__proto__"/,
    );
    for (const name of ['constructor', 'toString', 'hasOwnProperty'])
      expect(refusalOf({ ...RIGHT, [name]: 1 })).toContain(`"${name}"`);
  });

  it.each([
    'null',
    'true',
    '7',
    '1e999',
    '"text"',
    '[]',
    `[${JSON.stringify(RIGHT)}]`,
    '['.repeat(20_000) + ']'.repeat(20_000),
    `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
    '{}',
  ])('that is %.20s… is refused', (json) => expect(refusal(json)).not.toBe(''));
});

it.each([
  '../x',
  '..',
  'a/../b',
  '..\\x',
  '%2e%2e%2fx',
  'a%2fb',
  'a\u0000',
  'a\u0000.mp3',
  'a\r\nb',
  'x'.repeat(2048),
  'Früh',
  'ａ',
  'е1',
  '🎵',
  'gpj\u202e3pm',
  ' a',
  '',
])('5. `audio_file_id` %j -> refused, in a body and in an address', (id) => {
  expect(refusalOf({ ...RIGHT, audio_file_id: id })).toMatch(/^audio_file_id: expected/);
  expect(() => parseAudioFileId(id)).toThrowError(/^audio_file_id: expected/);
});

it('5. outputs of every id that is taken stay under its own prefix', () => {
  for (const id of ['a', '-', '_', 'a.', 'a..b', 'a.mp3', 'x'.repeat(100)]) {
    expect(parseAudioFileId(id)).toBe(id);
    for (const name of [stemBlob(id, 'vocals'), jamsBlob(id), resultBlob(id), workPrefix(id)]) {
      const asked = new URL(name, 'http://storage/container/').pathname;
      expect(asked).toBe(`/container/${name}`);
      expect(name.startsWith(`${id}/`)).toBe(true);
    }
  }
});

it('an id in an address is bounded as in a request', () => {
  expect(parseAudioFileId('x'.repeat(100))).toHaveLength(100);
  for (const id of ['x'.repeat(101), '', '..', 'a b', 'ä', 'a\u0000'])
    expect(() => parseAudioFileId(id)).toThrowError(/^audio_file_id: expected 1 to 100/);
});

it('stems and models that are not known are refused before a run begins, those of own models too', async () => {
  const modelsDir = mkdtempSync(join(tmpdir(), 'models-'));
  await installSmall(modelsDir, 'mine');
  const config = { modelsDir, model: 'mine' };
  expect(() => requireKnown('mine', ['vocals'], config)).not.toThrow();
  expect(() => requireKnown('mine', ['vocal'], config)).toThrowError(/got 'vocal'\. Did you mean 'vocals'\?/);
  expect(() => requireKnown('htdemucs', ['guitar'], config)).toThrowError(/'htdemucs' gives .*got 'guitar'/);
  expect(() => requireKnown('htdemux', undefined, config)).toThrowError(/Did you mean 'htdemucs'\?/);
  rmSync(modelsDir, { recursive: true });
});

it('no name is near to nothing', () => {
  expect(nearestName('', ['model'])).toBeUndefined();
  expect(nearestName('___', ['model'])).toBeUndefined();
  expect(nearestName('x', [])).toBeUndefined();
});
