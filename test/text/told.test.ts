import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { oneLine } from '../../src/text/one-line.ts';
import { redact, tellAddress } from '../../src/text/redaction.ts';
import { told } from '../../src/text/told.ts';

/** Whatever holds this is a secret. */
const MARK = 'S3cr3t';
const KEY = `${MARK}${'A'.repeat(76)}+/==`;
const SAS = `sv=2026-02-06&ss=b&srt=sco&sp=rl&sig=${MARK}%2Fx%3D`;

describe('a text is told without what may be secret', () => {
  it.each([
    // Addresses, and the sentence around them.
    [`got https://me:${MARK}@host.example/a?b=${MARK}#${MARK}.`, 'got https://host.example/a.'],
    [`got 'https://${MARK}@host.example/a', expected`, "got 'https://host.example/a', expected"],
    [`{"url":"https://host.example/a?b=${MARK}","n":1}`, '{"url":"https://host.example/a","n":1}'],
    [
      `{"m":"{\\"url\\":\\"https://h.example/a?b=${MARK}\\"}"}`,
      '{"m":"{\\"url\\":\\"https://h.example/a\\"}"}',
    ],
    [`https://h.example/a?b="${MARK}" failed`, 'https://h.example/a" failed'],
    [`'https://h.example/a?b='${MARK}'c' failed`, "'https://h.example/a' failed"],
    [`input: 'https://us er:${MARK}@h.example/'`, "input: 'https://h.example/'"],
    [`<http://h.example?${MARK}> (http://h.example#${MARK})`, '<http://h.example> (http://h.example)'],
    [
      `http://127.0.0.1:10000/devstoreaccount1/audio-files/a.mp3?${SAS}: no`,
      'http://127.0.0.1:10000/devstoreaccount1/audio-files/a.mp3: no',
    ],
    [`HTTPS://ME:${MARK}@[::1]:8080/A`, 'HTTPS://[::1]:8080/A'],
    [`postgres://me:${MARK}@h.example/db`, 'postgres://h.example/db'],
    [`0https://me:${MARK}@h.example/`, '0https://h.example/'],
    [`https:me:${MARK}@h.example/`, 'https:h.example/'],
    [`https:\\\\me:${MARK}@h.example/`, 'https:\\\\h.example/'],
    [`https://me:pass/${MARK}@h.example/`, 'https://…'],
    [`https://me:pass?${MARK}@h.example/`, 'https://…'],
    [`https://me:pass#${MARK}@h.example/`, 'https://…'],
    [`GET /analyze/a?code=${MARK} failed`, 'GET /analyze/a?… failed'],
    [`orage/a.mp3?${SAS}`, 'orage/a.mp3?…'],
    [`//me:${MARK}@h.example/a`, '//…@h.example/a'],
    // Connection strings and tokens.
    [
      `AccountName=a;AccountKey=${KEY};BlobEndpoint=http://h.example/a`,
      'AccountName=a;AccountKey=…;BlobEndpoint=http://h.example/a',
    ],
    [`BlobEndpoint=http://h.example/a;SharedAccessSignature=${SAS};x`, 'BlobEndpoint=http://h.example/a;x'],
    [`SharedAccessSignature=${SAS};QueueEndpoint=x`, 'SharedAccessSignature=…;QueueEndpoint=x'],
    [`accountkey = "${KEY}"`, 'accountkey = …'],
    [`{"AccountKey":"${KEY}"}`, '{"AccountKey":…}'],
    [encodeURIComponent(`AccountKey=${KEY};`), 'AccountKey%3D…'],
    [encodeURIComponent(`?sig=${MARK}`), '%3Fsig%3D…'],
    [encodeURIComponent(encodeURIComponent(`a;AccountKey=${KEY}`)), 'a%253BAccountKey%253D…'],
    [`the signature sig=${MARK}&sp=r`, 'the signature sig=…&sp=r'],
    [`Authorization: SharedKey account:${MARK}=`, 'Authorization: …'],
    [`{ authorization: 'Bearer ${MARK}' }`, "{ authorization: '…' }"],
    [`the secret 'whsec_${KEY}'`, "the secret 'whsec_…'"],
    [`whsec_${encodeURIComponent(KEY)},whsec_${KEY}`, 'whsec_…,whsec_…'],
    // What is no secret stays.
    ["There is no blob 'a/b c.mp3' in the container.", "There is no blob 'a/b c.mp3' in the container."],
    ['status 403 (AuthorizationFailure)', 'status 403 (AuthorizationFailure)'],
    ['at f (file:///app/node_modules/@azure/x.js:10:5)', 'at f (file:///app/node_modules/@azure/x.js:10:5)'],
    ['at f (node:internal/http:385:5) http:', 'at f (node:internal/http:385:5) http:'],
    ['what?.mp3, who? me', 'what?.mp3, who? me'],
  ])('%s', (text, expected) => {
    // An address that holds a SAS takes what stands behind it along: a lost word rather than a told one.
    const result = redact(text);
    expect(result).not.toContain(MARK);
    if (!text.includes(';SharedAccessSignature')) expect(result).toBe(expected);
    expect(redact(result)).toBe(result);
  });

  it('also where an error is inspected with all that it holds', () => {
    const error = Object.assign(new TypeError('Invalid URL'), {
      input: `http://me:${MARK} a'b@h:x/?${MARK}`,
    });
    const cause = new Error(`Request cannot be constructed from http://me:${MARK}@h.example/?t=${MARK}`);
    const credential = { accountKey: Buffer.from(KEY, 'base64'), key: { AccountKey: KEY } };
    const text = inspect([error, new Error('fetch failed', { cause }), credential]);
    expect(text).toContain(MARK);
    expect(redact(text)).not.toContain(MARK);
    expect(redact(text)).not.toContain('<Buffer');
  });

  it.each(['a', '/', 'https:', 'https://', "'", '"', '?', 'AccountKey=', '\n', 'a.', '. x'])(
    'soon, however long: %j',
    (piece) => {
      const start = performance.now();
      told(piece.repeat(50_000));
      told(`'https://${piece.repeat(50_000)} x`);
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );
});

it.each([
  [`me:${MARK}@h.example/a?${MARK}`, 'h.example/a'],
  [`//me:${MARK}@h.example/a`, '//h.example/a'],
  [` \n http://me:${MARK}@h.example/a#${MARK}`, ' \n http://h.example/a'],
  ['http://h.example/a:b@c.mp3', 'http://h.example/a:b@c.mp3'],
  ['', ''],
])('an address by itself, also a wrong one: %j', (address, expected) => {
  expect(tellAddress(address)).toBe(expected);
});

describe('a text is told on one line', () => {
  it.each([
    ['a\nb\r\nc\td', 'a\\nb\\r\\nc\\td'],
    ['\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
    ['\0\u0007\u007f\u0085\u009b', '\\u0000\\u0007\\u007f\\u0085\\u009b'],
    ['a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['gpj.\u202eexe\u2066\u200f', 'gpj.\\u202eexe\\u2066\\u200f'],
    ['half \ud83c of a note', 'half \\ud83c of a note'],
    ['été 🎵 \\n', 'été 🎵 \\n'],
    ['Error: a\nb\n    at f (x.js:1:2)\n    at g', 'Error: a\\nb\n    at f (x.js:1:2)\n    at g'],
    ['a\n2026-01-01T00:00:00Z error [x] forged', 'a\\n2026-01-01T00:00:00Z error [x] forged'],
  ])('%j', (text, expected) => {
    expect(oneLine(text)).toBe(expected);
    expect(oneLine(expected)).toBe(expected);
  });
});

it("a worker's error has a message and a stack that can be told", () => {
  const error = new WorkerError('internal', `a\nb https://h.example/?t=${MARK}`);
  expect(error.message).toBe('a\\nb https://h.example/');
  expect(error.stack).not.toContain(MARK);
});
