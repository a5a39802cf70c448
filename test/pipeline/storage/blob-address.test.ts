import { BlobServiceClient, ContainerClient, ContainerSASPermissions } from '@azure/storage-blob';
import { beforeAll, describe, expect, it } from 'vitest';
import { WorkerError } from '../../../src/pipeline/errors.ts';
import { parseBlobAddress } from '../../../src/pipeline/storage/blob-address.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';

const AZURITE = 'http://127.0.0.1:10000/devstoreaccount1/audio-files';
const AZURE = 'https://songs.blob.core.windows.net/audio-files';
const SAS = '?sv=2026-02-06&ss=b&srt=sco&sp=rl&sig=c2VjcmV0%3D';
const KEY = Buffer.from('a key').toString('base64');

/** The container's address as the SDK has it, for each kind of credential. */
const containerUrl = (connection: string) =>
  BlobServiceClient.fromConnectionString(connection).getContainerClient('audio-files').url;
const AZURITE_AT = AZURITE.replace('/audio-files', '');
const CONTAINERS = {
  'account key': [
    containerUrl(
      `DefaultEndpointsProtocol=https;AccountName=songs;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
    ),
    containerUrl(
      `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${KEY};BlobEndpoint=${AZURITE_AT};`,
    ),
  ],
  SAS: [
    containerUrl(`BlobEndpoint=https://songs.blob.core.windows.net;SharedAccessSignature=${SAS.slice(1)}`),
    containerUrl(`BlobEndpoint=${AZURITE_AT}/;SharedAccessSignature=${SAS.slice(1)}`),
  ],
  'SAS behind a slash': [`${AZURE}/${SAS}`, `${AZURITE}/${SAS}`],
} as const;

/** What stands behind the container's address, and the name that it means. */
const RIGHT: [address: string, name: string][] = [
  ['/song.mp3', 'song.mp3'],
  ['/a1/song.mp3', 'a1/song.mp3'],
  ['/deep/er/and/deeper/song.flac', 'deep/er/and/deeper/song.flac'],
  ['/a%20b.mp3', 'a b.mp3'],
  ['/a b.mp3', 'a b.mp3'],
  ['/a+b.mp3', 'a+b.mp3'],
  ['/a%2Bb.mp3', 'a+b.mp3'],
  ['/%C3%A9t%C3%A9.mp3', 'été.mp3'],
  ['/été.mp3', 'été.mp3'],
  ['/%F0%9F%8E%B5.mp3', '🎵.mp3'],
  ['/a1%2Fsong.mp3', 'a1/song.mp3'],
  ['/a1%2fsong.mp3', 'a1/song.mp3'],
  ['/%73ong.mp3', 'song.mp3'],
  ['/100%25.mp3', '100%.mp3'],
  ['/%252e%252e/song.mp3', '%2e%2e/song.mp3'],
  ['/..%252fother%252fx.ogg', '..%2fother%2fx.ogg'],
  ['/what%3F.mp3', 'what?.mp3'],
  ['/no%231.mp3', 'no#1.mp3'],
  ["/it's(1)*!~.mp3", "it's(1)*!~.mp3"],
  ['/a:b@c;d,e=f&g$h.mp3', 'a:b@c;d,e=f&g$h.mp3'],
  ['/[live].mp3', '[live].mp3'],
  ['/.hidden.mp3', '.hidden.mp3'],
  ['/.mp3', '.mp3'],
  ['/.../x.mp3', '.../x.mp3'],
  ['/..x/x...mp3', '..x/x...mp3'],
  ['/song.mp3.', 'song.mp3.'],
  ['/audio-files/song.mp3', 'audio-files/song.mp3'],
  [`/song.mp3${SAS}`, 'song.mp3'],
  ['/song.mp3?', 'song.mp3'],
  ['/song.mp3?sig=%zz', 'song.mp3'],
  [`/${'x'.repeat(1024)}`, 'x'.repeat(1024)],
];

const WRONG_NAMES = [
  '',
  '/',
  '//song.mp3',
  '/a//song.mp3',
  '/a/',
  '/http://example.com/x.ogg',
  '/a%2F%2Fb.mp3',
  '/%2Fsong.mp3',
  '/a%2F',
  '/../other/x.ogg',
  '/..%2fother%2fx.ogg',
  '/..%2Fother%2Fx.ogg',
  '/%2e%2e/other/x.ogg',
  '/%2E%2E%2Fother%2Fx.ogg',
  '/.%2e/other/x.ogg',
  '/a/../../other/x.ogg',
  '/a/%2e%2e/x.ogg',
  '/./song.mp3',
  '/a/%2e/song.mp3',
  '/a/.',
  '/a/..',
  '/..',
  '/../audio-files/song.mp3',
  '/..\\other\\x.ogg',
  '/a\\b.mp3',
  '/a%5Cb.mp3',
  '/..%5cother%5cx.ogg',
  '/%zz.mp3',
  '/50%.mp3',
  '/%',
  '/a%2',
  '/%C3.mp3',
  '/%ED%A0%80.mp3',
  '/%C0%AE%C0%AE/other/x.ogg',
  '/a%00.mp3',
  '/a%0A.mp3',
  '/a%09b.mp3',
  '/a%7F.mp3',
  '/a%C2%85.mp3',
  '/a%EF%BF%BF.mp3',
  '/a\tb.mp3',
  '/a\nb.mp3',
  '/.\t./other/x.ogg',
  '/a\u0000.mp3',
  '/a\u0085.mp3',
  '/\ud800.mp3',
  '/song.mp3 ',
  '/song.mp3#t=1',
  '/no #1.mp3',
  '/what?.mp3',
  '/song.mp3?snapshot=2026-01-01T00:00:00.0000000Z',
  '/song.mp3?%73napshot=2026-01-01T00:00:00.0000000Z',
  `/song.mp3${SAS}&versionId=2026-01-01T00:00:00.0000000Z`,
  `/${'x'.repeat(1025)}`,
  'x.txt',
  'x/song.mp3',
  '%2Fsong.mp3',
];

/** Whole addresses, made of the container's. */
const WRONG_PLACES: ((container: string) => string)[] = [
  (url) => `${url.replace('audio-files', 'other')}/x.ogg`,
  (url) => `${url.replace('audio-files', 'Audio-Files')}/x.ogg`,
  (url) => `${url.replace('audio-files', '/audio-files')}/x.ogg`,
  (url) => `${url.replace('audio-files', 'other/%2e%2e/audio-files')}/x.ogg`,
  (url) => `${url.replace('audio-files', 'other%2f..%2faudio-files')}/x.ogg`,
  (url) => `${url.replace('audio-files', 'audio%2zfiles')}/x.ogg`,
  (url) => new URL('/', url).href,
  (url) => new URL('/x.ogg', url).href,
  (url) => new URL('/latest/meta-data', url).href,
  (url) => `${url.replace('://', '://user:pass@')}/x.ogg`,
  (url) => `${url.replace('://', '://@')}/x.ogg`,
  (url) => `${url.replace('://', '://example.com@')}/x.ogg`,
  (url) => `${url.replace('://', '://example.com\\@')}/x.ogg`,
  (url) => `http://example.com/@${new URL(url).host}${new URL(url).pathname}/x.ogg`,
  (url) => `//${new URL(url).host}${new URL(url).pathname}/x.ogg`,
  (url) => `${new URL(url).pathname}/x.ogg`,
  (url) => `${url.replace('://', ':')}/x.ogg`,
  (url) => `${url.replace('://', ':///')}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, 'example.com')}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, `${new URL(url).hostname}.`)}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, `${new URL(url).hostname}.example.com`)}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, '[::1]')}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, '169.254.169.254')}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, '2130706433')}/x.ogg`,
  (url) => `${url.replace(new URL(url).hostname, '0x7f.1')}/x.ogg`,
  (url) => `${url.replace(new URL(url).host, `${new URL(url).hostname}:1`)}/x.ogg`,
  (url) => `${url.replace(new URL(url).host, `${new URL(url).hostname}:99999`)}/x.ogg`,
  (url) => `${url.replace(new URL(url).host, `${new URL(url).hostname}:`)}/x.ogg`,
  (url) => `${url.replace(/(devstoreaccount1|songs)/, '$1-secondary')}/x.ogg`,
  (url) => `${url.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http'))}/x.ogg`,
  (url) => `${url.replace(/^https?/, 'file')}/x.ogg`,
  (url) => `${url.replace(/^https?/, 'ftp')}/x.ogg`,
  (url) => ` ${url}/x.ogg`,
  () => 'nonsense',
  () => 'http://',
  () => 'data:audio/wav,x',
  () => '',
];

describe.each(Object.entries(CONTAINERS))('an address of a blob, where the credential is %s', (_, urls) => {
  const plain = urls.map((url) => url.split('?')[0].replace(/\/$/, ''));

  it.each(RIGHT)('%j means its blob, and the SDK asks for just that', (address, name) => {
    for (const [i, url] of urls.entries()) {
      expect(parseBlobAddress(url, plain[i] + address)).toBe(name);
      const asked = new URL(new ContainerClient(url).getBlobClient(name).url).pathname;
      expect(decodeURIComponent(asked)).toBe(`${new URL(plain[i]).pathname}/${name}`);
    }
  });

  it.each(WRONG_NAMES)('%j is refused', (address) => {
    for (const [i, url] of urls.entries()) expectRefusal(url, plain[i] + address);
  });

  it.each(WRONG_PLACES.map((make) => [make(plain[0]), make] as const))('%j is refused', (_, make) => {
    for (const [i, url] of urls.entries()) expectRefusal(url, make(plain[i]));
  });

  it.each([
    (url: string) => url.replace(/^https?/, (scheme) => scheme.toUpperCase()),
    (url: string) => url.replace('songs.blob', 'Songs.BLOB'),
    (url: string) => url.replace('core.windows.net/', 'core.windows.net:443/'),
    (url: string) => url.replace('127.0.0.1', 'localhost'),
    (url: string) => url.replace('audio-files', 'audio%2Dfiles'),
  ])('the same place may be written otherwise (%#)', (write) => {
    for (const [i, url] of urls.entries())
      expect(parseBlobAddress(url, `${write(plain[i])}/song.mp3`)).toBe('song.mp3');
  });
});

function expectRefusal(url: string, address: string): void {
  const refusal = (() => {
    try {
      return parseBlobAddress(url, address);
    } catch (error) {
      return error;
    }
  })();
  expect(refusal, address).toBeInstanceOf(WorkerError);
  const { code, message } = refusal as WorkerError;
  expect(code).toBe('invalid_request');
  expect(message).toMatch(/^blob_uri: expected a blob below https?:\/\/[^?]*\/audio-files\/, got .*: /);
  expect(message.length).toBeLessThan(700);
  expect(message).not.toMatch(/\p{Cc}|sig=|c2VjcmV0|2026-01-01|user:|pass@/u);
}

describe('a message about an address', () => {
  it.each([
    'http://user:secret@example.com/a.mp3',
    'http://user:sec/secret@example.com/a.mp3',
    'http://user:secret?x@example.com/a.mp3',
    'http://example.com?sig=a@secret',
    'http://example.com/a.mp3?sig=secret',
    'http://example.com/a.mp3#secret',
    'user:secret@example.com/a.mp3?secret',
  ])('tells nothing secret of %s', (uri) => {
    expect(() => parseBlobAddress(AZURE, uri)).toThrowError(/^(?!.*secret)blob_uri: /);
  });
});

describe('the storage itself', () => {
  let storage: TestStorage;
  beforeAll(async () => {
    storage = await newStorage();
    const other = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient(
      'other',
    );
    await other.create();
    await other.getBlockBlobClient('x.ogg').uploadData(Buffer.from('of another container'));
    for (const name of ['..%2fother%2fx.ogg', '%2e%2e/song.mp3', 'a b+c?#.mp3'])
      await storage.container.getBlockBlobClient(name).uploadData(Buffer.from(name));
  });

  it('is asked for the blob that an address names, and for none of another container', async () => {
    const { url } = storage.container;
    const token = await storage.container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('r'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    for (const container of [storage.container, new ContainerClient(token)]) {
      for (const address of ['..%2fother%2fx.ogg', '../other/x.ogg', '%2e%2e%2fother/x.ogg'])
        expectRefusal(container.url, `${url}/${address}`);
      for (const address of ['..%252fother%252fx.ogg', '%252e%252e/song.mp3', 'a%20b+c%3F%23.mp3']) {
        const name = parseBlobAddress(container.url, `${url}/${address}`);
        expect(String(await container.getBlobClient(name).downloadToBuffer())).toBe(name);
      }
    }
  });
});
